{#
    One term of select_by or order_by as SQL:
      <column> [asc|desc] [nulls first|last]   nulls are last unless said otherwise, also under desc
      random                                   shuffled by the seed
      weighted(<column>)                       shuffled by the seed, a double weight is twice as likely to be first
#}
{% macro order_term(term, seed) -%}
    {%- set column = "^([a-z_][a-z0-9_]*)( asc| desc)?( nulls first| nulls last)?$" -%}
    {%- set text = modules.re.sub(' +', ' ', term | string).strip().lower() -%}
    {%- set plain = modules.re.match(column, text) -%}
    {%- set weighted = modules.re.match('^weighted\\( ?([a-z_][a-z0-9_]*) ?\\)$', text) -%}
    {%- if text == 'random' -%}
        {{ shuffle_key(seed) }} collate "C"
    {%- elif weighted -%}
        {#- Efraimidis and Spirakis: the order of -ln(u)/w is a draw without replacement by weight w -#}
        -ln((cast(cast('x' || substr({{ shuffle_key(seed) }}, 1, 12) as bit(48)) as bigint) + 1) / 281474976710657.0)
        / cast(nullif(greatest({{ weighted.group(1) }}, 0), 0) as numeric) asc nulls last
    {%- elif plain -%}
        {{ plain.group(1) }}
        {%- if track_fields().get(plain.group(1)) == 'text' %} collate "C" {%- endif -%}
        {{ plain.group(2) or ' asc' }} {{- plain.group(3) or ' nulls last' }}
    {%- else -%}
        {{ exceptions.raise_compiler_error(
            "meta.playlist: cannot order by '" ~ term ~ "'. Write <column> [asc|desc] [nulls first|last], random or weighted(<column>)."
        ) }}
    {%- endif -%}
{%- endmacro %}

{# The whole order. track_id breaks ties: without it equal tracks swap places nightly and every push moves them. #}
{% macro order_terms(terms, seed) -%}
    {%- for term in terms %}{{ order_term(term, seed) }}, {% endfor -%} track_id collate "C"
{%- endmacro %}

{% macro shuffle_key(seed) -%}
    md5({{ seed }} || ' ' || track_id)
{%- endmacro %}

{# What a shuffle depends on: nothing, the local day, its week (from Monday), its month, or a given word. #}
{% macro shuffle_seed(seed) -%}
    {%- if seed in ['day', 'week', 'month'] -%}
        to_char(date_trunc('{{ seed }}', cast({{ local_today() }} as timestamp)), 'YYYY-MM-DD')
    {%- else -%}
        {{ literal(seed) }}
    {%- endif -%}
{%- endmacro %}

{# Whether all that orders a playlist stands in unified_tracks. #}
{% macro orders_by_the_library(block) -%}
    {%- set found = namespace(is_so=true) -%}
    {%- for term in block.order_by if term != 'random' -%}
        {%- set column = modules.re.sub('^weighted\\( ?|[ )].*$', '', term) -%}
        {%- if track_fields().get(column, 'list') == 'list' -%} {%- set found.is_so = false -%} {%- endif -%}
    {%- endfor -%}
    {{ return(found.is_so) }}
{%- endmacro %}
