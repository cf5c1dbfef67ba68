{{ config(
    materialized='incremental',
    unique_key='track_id',
    on_schema_change='fail',
    post_hook='{{ remember_definition() }}',
) }}

with

-- Only ids seen for the first time: reading every payload again would cost more with each year.
unknown_tracks as (
    select
        recent.track_uri,
        max(recent.played_at) as played_at
    from {{ ref('stg_spotify__recently_played') }} as recent
    {%- if is_incremental() %}
    left join {{ this }} as known on recent.track_id = known.track_id
    where recent.track_id is not null and known.track_id is null
    {%- else %}
    where recent.track_id is not null
    {%- endif %}
    group by recent.track_uri
)

select
    seen.track_id,
    seen.track_uri,
    seen.title,
    seen.artist,
    seen.artist_id,
    seen.artists,
    seen.track_number,
    seen.disc_number,
    seen.duration_ms,
    seen.explicit,
    seen.isrc,
    seen.popularity,
    seen.album,
    seen.album_id,
    seen.album_type,
    seen.album_total_tracks,
    seen.album_image_url,
    seen.release_date,
    seen.release_precision
from unknown_tracks
-- lateral, so that a payload is unpacked for these rows alone
cross join lateral (
    select *
    from {{ ref('stg_spotify__recently_played') }} as recent
    where recent.played_at = unknown_tracks.played_at and recent.track_uri = unknown_tracks.track_uri
) as seen
