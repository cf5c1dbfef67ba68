{# The zone of the person, TRACKER_TIMEZONE (IANA name); the only place that reads it. #}
{% macro local_zone() -%}
    {{ literal(env_var('TRACKER_TIMEZONE', '') or 'UTC') }}
{%- endmacro %}

{# The wall clock of the person at a moment: timestamptz → timestamp. #}
{% macro local_time(moment) -%}
    ({{ moment }} at time zone {{ local_zone() }})
{%- endmacro %}

{# The person's day of a moment: timestamptz → date. Right whatever the session's TimeZone is. #}
{% macro local_date(moment) -%}
    cast({{ local_time(moment) }} as date)
{%- endmacro %}

{% macro local_today() -%}
    {{ local_date(as_of()) }}
{%- endmacro %}

{# Local days from a moment to today: 0 = today. Null where the moment is. #}
{% macro days_since(moment) -%}
    ({{ local_today() }} - {{ local_date(moment) }})
{%- endmacro %}

{# True in the last N local days, today included: what plays_7d and its siblings count. #}
{% macro within_days(day, days) -%}
    ({{ day }} > {{ local_today() }} - {{ days }})
{%- endmacro %}
