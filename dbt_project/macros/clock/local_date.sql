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

{# The first day of the person's month of a moment: timestamptz → date. #}
{% macro local_month(moment) -%}
    cast(date_trunc('month', {{ local_time(moment) }}) as date)
{%- endmacro %}

{% macro local_today() -%}
    {{ local_date(as_of()) }}
{%- endmacro %}

{# Local days from a moment to today: 0 = today. Null where the moment is. #}
{% macro days_since(moment) -%}
    ({{ local_today() }} - {{ local_date(moment) }})
{%- endmacro %}

{#
    The first day of a window that ends with today, in local days: of 1 days it is today. Of 6 months it is the day
    after this day six months ago, or after that month's last day where it is shorter: on 31 August 1 March. Every
    window of a playlist and of a rule begins here.
#}
{% macro window_start(count, unit='days') -%}
    (cast({{ local_today() }} - interval '{{ count }} {{ unit }}' as date) + 1)
{%- endmacro %}

{# True in the last N days, weeks, months or years, today included: what plays_7d and its siblings count. #}
{% macro in_the_last(day, count, unit='days') -%}
    ({{ day }} >= {{ window_start(count, unit) }} and {{ day }} <= {{ local_today() }})
{%- endmacro %}

{# True before that window. Null where the day is. #}
{% macro before_the_last(day, count, unit='days') -%}
    ({{ day }} < {{ window_start(count, unit) }})
{%- endmacro %}

{# The older name of in_the_last, for playlists of your own that call it. #}
{% macro within_days(day, days) -%}
    {{ in_the_last(day, days) }}
{%- endmacro %}
