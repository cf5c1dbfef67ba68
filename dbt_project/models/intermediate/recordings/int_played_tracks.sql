{{ config(
    materialized='incremental',
    unique_key='track_id',
    on_schema_change='fail',
    post_hook='{{ remember_definition() }}',
) }}

with

recently_played as (
    select *
    from {{ ref('stg_spotify__recently_played') }}
    -- only ids seen for the first time: reading every payload again would cost more with each year
    where
        track_id is not null
    {% if is_incremental() %} and track_id not in (select known.track_id from {{ this }} as known) {% endif %}
)

select distinct on (track_id)
    track_id,
    track_uri,
    title,
    artist,
    artist_id,
    artists,
    track_number,
    disc_number,
    duration_ms,
    explicit,
    isrc,
    popularity,
    album,
    album_id,
    album_type,
    album_total_tracks,
    album_image_url,
    release_date,
    release_precision
from recently_played
order by track_id asc, played_at desc
