{#
    Whether a stream of an export was skipped, and how sure that is. From April 2015 to October 2022 exports always have
    `false`, and at times null: there the reason of the end decides. `endplay` is a stop and not a skip. What the device or
    the app did (logout, unexpected-exit, trackerror, remote …) says nothing about the listener.
#}
{% macro _is_skip_told() -%}
    (
        skipped
        or (not skipped and era <> 'extended_until_2022' and reported_at >= timestamptz '2022-11-01 00:00:00+00')
    )
{%- endmacro %}

{% macro _is_skip_inferred() -%}
    case
        when reason_end in ('fwdbtn', 'backbtn', 'clickrow', 'clickside', 'playbtn', 'popup', 'uriopen') then true
        when reason_end in ('trackdone', 'endplay') then false
    end
{%- endmacro %}

{% macro is_skipped() -%}
    case when {{ _is_skip_told() }} then skipped else {{ _is_skip_inferred() }} end
{%- endmacro %}

{% macro skip_confidence() -%}
    case
        when {{ _is_skip_told() }} then 'told'
        when {{ _is_skip_inferred() }} is not null then 'inferred'
        else 'unknown'
    end
{%- endmacro %}
