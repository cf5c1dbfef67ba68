{{ config(
    materialized='incremental',
    unique_key='track_id',
    on_schema_change='fail',
    post_hook='{{ remember_data_version() }}',
) }}

with

-- Only ids seen for the first time, and sought among the reports that are new: reading every payload again, or every
-- play, would cost more with each year.
unknown_tracks as (
    select
        reports.track_uri,
        max(reports.reported_at) as played_at,
        max(reports.batch) as batch
    from {{ ref('int_play_reports') }} as reports
    where
        reports.source = 'api'
        and reports.track_id is not null
        {%- if is_incremental() %}
        and reports.track_id not in (select known.track_id from {{ this }} as known)
        {%- endif %}
        and reports.batch > {{ seen_batch_of(ref('int_play_reports')) }}
    group by reports.track_uri
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
    seen.album_artist,
    seen.album_id,
    seen.album_type,
    seen.album_total_tracks,
    seen.album_image_url,
    seen.release_date,
    seen.release_precision,
    unknown_tracks.batch
from unknown_tracks
-- lateral, so that a payload is unpacked for these rows alone
cross join lateral (
    select *
    from {{ ref('stg_spotify__recently_played') }} as recent
    where recent.played_at = unknown_tracks.played_at and recent.track_uri = unknown_tracks.track_uri
) as seen
