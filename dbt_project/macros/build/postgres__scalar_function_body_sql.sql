{# dbt writes functions in SQL alone; one of ours walks a list, which SQL cannot do in reasonable time. #}
{% macro postgres__scalar_function_body_sql() %}
    $body$
    {{ model.compiled_code }}
    $body$ language plpgsql
{% endmacro %}
