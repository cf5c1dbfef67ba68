{#
    A build as of another moment than now is refused, but where the database lives in simulated time (see
    profiles/simulated_time.py): there time moves on. A build as of an earlier day wrote snapshots whose rows ended
    before they began, and selections that a push would have followed.
#}
{% macro refuse_another_day() -%}
    {%- if execute -%}
        {%- set given = var('as_of', none) or env_var('TRACKER_AS_OF', '') -%}
        {%- set known = run_query(
            "select simulated_at is not null as is_simulated, cast(simulated_at as text) as latest,"
            ~ " coalesce(simulated_at > " ~ as_of() ~ ", false) as is_later from ops.installation"
        ).rows[0] -%}
        {%- if given and not known['is_simulated'] -%}
            {{ exceptions.raise_compiler_error(
                "as_of is set to " ~ given ~ ", and this database holds a real listening history: a build as of another"
                ~ " moment would write times into it that were never. Take TRACKER_AS_OF out of the environment and out"
                ~ " of .env, and the var as_of out of the command, then repeat it."
            ) }}
        {%- elif known['is_later'] -%}
            {{ exceptions.raise_compiler_error(
                "It is " ~ (given or run_started_at) ~ " for this build, but this database has already lived until "
                ~ known['latest'] ~ ". Simulated time only moves forward."
            ) }}
        {%- elif known['is_simulated'] -%}
            {{ return("update ops.installation set simulated_at = " ~ as_of()) }}
        {%- endif -%}
    {%- endif -%}
    select 1
{%- endmacro %}
