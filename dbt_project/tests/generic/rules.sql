{#
    What the playlist tests ask, of all stored rules at once: each row found names its slug, so that the
    push refuses that playlist alone (see record_test_results).
#}
{% test rules_hold_each_track_once(model) %}
{{ config(severity='warn') }}
select slug, track_id as doubled
from {{ model }}
group by slug, track_id
having count(*) > 1
union all
select selected.slug, selected.recording_id as doubled
from {{ model }} as selected
inner join {{ ref('int_playlist_rules') }} as rules on selected.slug = rules.slug
where cast(rules.block ->> 'dedupe_recordings' as boolean)
group by selected.slug, selected.recording_id
having count(*) > 1
{% endtest %}

{% test rules_hold_nothing_unwanted(model) %}
{{ config(severity='warn') }}
select selected.slug, selected.track_id
from {{ model }} as selected
inner join {{ ref('int_playlist_rules') }} as rules on selected.slug = rules.slug
inner join {{ ref('unified_tracks') }} as tracks on selected.track_id = tracks.track_id
where
    (tracks.is_excluded and not cast(rules.block ->> 'include_excluded' as boolean))
    or (not tracks.is_playable and not cast(rules.block ->> 'include_unavailable' as boolean))
{% endtest %}

{% test rules_within_limits(model) %}
{{ config(severity='warn') }}
with

selected as (
    select
        selection.slug,
        rules.block,
        coalesce(tracks.artist_id, tracks.artist, selection.track_id) as artist,
        coalesce(tracks.album_id, selection.track_id) as album,
        coalesce(tracks.duration_ms, 0) as duration_ms
    from {{ model }} as selection
    inner join {{ ref('int_playlist_rules') }} as rules on selection.slug = rules.slug
    left join {{ ref('unified_tracks') }} as tracks on selection.track_id = tracks.track_id
)

select slug, 'tracks' as broken
from selected
group by slug, block
having count(*) > coalesce(cast(block -> 'limit' ->> 'tracks' as integer), 10000)
union all
select slug, 'minutes' as broken
from selected
group by slug, block
having sum(duration_ms) > cast(block -> 'limit' ->> 'minutes' as numeric) * 60000
union all
select slug, 'per_artist' as broken
from selected
group by slug, block, artist
having count(*) > cast(block ->> 'per_artist' as integer)
union all
select slug, 'per_album' as broken
from selected
group by slug, block, album
having count(*) > cast(block ->> 'per_album' as integer)
{% endtest %}

{% test rules_have_contiguous_positions(model) %}
{{ config(severity='warn') }}
select slug
from {{ model }}
group by slug
having min(position) <> 1 or max(position) <> count(*)
{% endtest %}
