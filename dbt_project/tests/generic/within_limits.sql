{# Every cap of the block holds: tracks, minutes, per artist, per album. #}
{% test within_limits(model) %}
{{ config(severity='warn') }}
{%- set block = tested_block(model) %}
with

selected as (
    select
        selection.track_id,
        coalesce(tracks.artist_id, tracks.artist, selection.track_id) as artist,
        coalesce(tracks.album_id, selection.track_id) as album,
        coalesce(tracks.duration_ms, 0) as duration_ms
    from {{ model }} as selection
    left join {{ ref('unified_tracks') }} as tracks on selection.track_id = tracks.track_id
)

select 'tracks' as broken, null as holder
from selected
having count(*) > {{ block.limit.tracks or 10000 }}
{%- if block.limit.minutes %}
union all
select 'minutes' as broken, null as holder
from selected
having sum(duration_ms) > {{ block.limit.minutes }} * 60000
{%- endif %}
{%- if block.per_artist %}
union all
select 'per_artist' as broken, artist as holder
from selected
group by artist
having count(*) > {{ block.per_artist }}
{%- endif %}
{%- if block.per_album %}
union all
select 'per_album' as broken, album as holder
from selected
group by album
having count(*) > {{ block.per_album }}
{%- endif %}
{% endtest %}
