-- a table: selections and definitions of one build must come from the same version of a rule
{{ config(materialized='table', tags=['playlists']) }}

select
    slug,
    version,
    rule,
    rule - array['match', 'not', 'conditions'] as block
from {{ ref('stg_ops__playlist_rules') }}
where
    verdict = 'valid'
    -- what was changed past the check, or checked for another version of these macros, waits for its check
    and checked_fingerprint = md5(cast(rule as text))
    and checked_language = {{ rule_language() }}
    -- a model takes a rule's place: two selections of one slug would fail the build of all playlists
    {%- for slug in var('playlists') %}
    and slug <> {{ literal(slug) }}
    {%- endfor %}
