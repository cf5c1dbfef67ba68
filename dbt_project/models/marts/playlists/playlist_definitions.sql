with

-- days that are known by half at least
history as (
    select cast(count(*) as integer) as history_days
    from {{ ref('history_completeness') }}
    where completeness >= 0.5
),

selections as (
    select
        slug,
        cast(count(*) as integer) as selected_count
    from {{ ref('playlist_selections') }}
    group by slug
),

definitions as (
    {%- for slug in listed_playlists() %}
    select
        {{ literal(slug) }} as slug,
        cast({{ literal(tojson(playlist_block_of(slug))) }} as jsonb) as definition
    union all
    {%- endfor %}
    select
        slug,
        block as definition
    from {{ ref('int_playlist_rules') }}
)

select
    definitions.slug,
    definitions.definition,
    cast('{{ run_started_at.isoformat() }}' as timestamptz) as built_at,
    '{{ invocation_id }}' as invocation_id,
    coalesce(selections.selected_count, 0) as selected_count,
    history.history_days
from definitions
cross join history
left join selections on definitions.slug = selections.slug
