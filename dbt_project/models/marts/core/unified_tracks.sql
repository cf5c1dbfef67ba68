with

liked_tracks as (
    select
        track_id,
        liked_at
    from {{ ref('int_liked_tracks') }}
),

-- a track may stand on several saved albums: the first of them to be saved brought it in
saved_album_tracks as (
    select
        track_id,
        min(saved_at) as album_saved_at
    from {{ ref('int_saved_album_tracks') }}
    group by track_id
),

saved_albums as (
    select album_id from {{ ref('int_saved_albums') }}
),

tracks as (
    select * from {{ ref('int_tracks') }}
),

track_recordings as (
    select
        track_id,
        recording_id
    from {{ ref('int_track_recordings') }}
),

excluded_tracks as (
    select track_id from {{ ref('int_exclusions') }}
),

refused_tracks as (
    select distinct track_uri
    from {{ ref('stg_ops__refused_uris') }}
    -- for as long the push does not try it again
    where refused_at > {{ as_of() }} - interval '30 days'
),

recording_listening as (
    select * from {{ ref('int_recording_listening') }}
),

track_listening as (
    select
        track_id,
        play_count
    from {{ ref('int_track_listening') }}
),

artist_listening as (
    select
        artist_id,
        play_count,
        last_played_at
    from {{ ref('int_artist_listening') }}
),

album_listening as (
    select
        album_id,
        play_count,
        last_played_at,
        track_count,
        heard_recordings
    from {{ ref('int_album_listening') }}
),

availability as (
    select
        track_id,
        is_playable,
        checked_at
    from {{ ref('int_track_availability') }}
),

artists as (
    select
        artist_id,
        genres
    from {{ ref('stg_spotify__artists') }}
),

excluded_recordings as (
    select distinct track_recordings.recording_id
    from excluded_tracks
    inner join track_recordings on excluded_tracks.track_id = track_recordings.track_id
),

library as (
    select
        coalesce(liked_tracks.track_id, saved_album_tracks.track_id) as track_id,
        liked_tracks.liked_at,
        saved_album_tracks.album_saved_at
    from liked_tracks
    full join saved_album_tracks on liked_tracks.track_id = saved_album_tracks.track_id
),

described as (
    select
        library.liked_at,
        library.album_saved_at,
        tracks.*,
        track_recordings.recording_id,
        cast(count(*) over (partition by tracks.artist_id) as integer) as artist_track_count
    from library
    inner join tracks on library.track_id = tracks.track_id
    inner join track_recordings on library.track_id = track_recordings.track_id
),

excluded as (
    select
        described.track_id,
        case
            when excluded_tracks.track_id is not null then 'excluded'
            when {{ var('exclude_all_editions') }} and excluded_recordings.recording_id is not null
                then 'another edition is excluded'
        end as exclusion_reason
    from described
    left join excluded_tracks on described.track_id = excluded_tracks.track_id
    left join excluded_recordings on described.recording_id = excluded_recordings.recording_id
),

final as (
    select
        described.track_id,
        described.track_uri,
        described.title,
        described.artist,
        described.artist_id,
        described.artists,
        described.album,
        described.album_id,
        described.album_type,
        described.album_image_url,
        described.release_date,
        described.release_precision,
        described.track_number,
        described.disc_number,
        described.duration_ms,
        described.explicit,
        described.isrc,
        described.recording_id,
        coalesce(artists.genres, '[]') as genres,
        described.popularity,
        described.liked_at is not null as is_liked,
        described.liked_at,
        described.album_saved_at is not null as is_album_saved,
        described.album_saved_at,
        least(described.liked_at, described.album_saved_at) as added_at,
        case
            when described.liked_at <= coalesce(described.album_saved_at, described.liked_at) then 'like' else 'album'
        end as added_via,
        -- null is unknown, and not unplayable
        availability.is_playable,
        availability.checked_at as playable_checked_at,
        excluded.exclusion_reason is not null as is_excluded,
        excluded.exclusion_reason,
        refused_tracks.track_uri is not null as is_refused,
        coalesce(recording_listening.play_count, 0) as play_count,
        coalesce(track_listening.play_count, 0) as track_play_count,
        coalesce(recording_listening.plays_7d, 0) as plays_7d,
        coalesce(recording_listening.plays_30d, 0) as plays_30d,
        coalesce(recording_listening.plays_90d, 0) as plays_90d,
        coalesce(recording_listening.plays_365d, 0) as plays_365d,
        recording_listening.first_played_at,
        recording_listening.last_played_at,
        coalesce(recording_listening.days_played, 0) as days_played,
        coalesce(recording_listening.max_plays_in_a_day, 0) as max_plays_in_a_day,
        coalesce(recording_listening.skip_count, 0) as skip_count,
        recording_listening.skip_rate,
        recording_listening.ms_played,
        coalesce(artist_listening.play_count, 0) as artist_play_count,
        artist_listening.last_played_at as artist_last_played_at,
        case when described.artist_id is not null then described.artist_track_count end as artist_track_count,
        coalesce(album_listening.play_count, 0) as album_play_count,
        album_listening.last_played_at as album_last_played_at,
        album_listening.track_count as album_track_count,
        case
            when saved_albums.album_id is not null
                then album_listening.heard_recordings / cast(nullif(album_listening.track_count, 0) as double precision)
        end as album_completion
    from described
    inner join excluded on described.track_id = excluded.track_id
    left join refused_tracks on described.track_uri = refused_tracks.track_uri
    left join availability on described.track_id = availability.track_id
    left join artists on described.artist_id = artists.artist_id
    left join saved_albums on described.album_id = saved_albums.album_id
    left join recording_listening on described.recording_id = recording_listening.recording_id
    left join track_listening on described.track_id = track_listening.track_id
    left join artist_listening on described.artist_id = artist_listening.artist_id
    left join album_listening on described.album_id = album_listening.album_id
)

select * from final
