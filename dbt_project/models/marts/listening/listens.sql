{{ config(
    materialized='incremental',
    unique_key='listen_id',
    on_schema_change='fail',
    indexes=[{'columns': ['load_id']}],
    post_hook='{{ remember_definition() }}',
) }}

with

-- What is new is told by load and not by time: an offline play arrives days after later ones. Every unknown load
-- counts, not only those above the newest: a clock that was set back would hide them for good.
unknown_loads as (
    select load_id from {{ ref('stg_spotify__recently_played') }}
    {% if is_incremental() -%}
    except
    select load_id from {{ this }}
    {%- else -%}
    group by load_id
    {%- endif %}
),

recently_played as (
    select
        played_at,
        track_uri,
        track_id,
        context_type,
        context_uri,
        load_id
    from {{ ref('stg_spotify__recently_played') }}
    where
        (track_uri like 'spotify:track:%' or track_uri like 'spotify:local:%')
        -- as an array, which reaches down to the raw table: no payload of a known load is unpacked
        and load_id = any(array(select unknown_loads.load_id from unknown_loads))
)

select
    -- the seconds since 1970, and not a date's text: that changes with the session's TimeZone
    {{ surrogate_key(["'api'", "cast(extract(epoch from played_at) as text)", "track_uri"]) }} as listen_id,
    'api' as source,
    played_at,
    track_id,
    track_uri,
    -- Spotify's API tells neither how long nor how it ended
    cast(null as integer) as ms_played,
    false as is_length_known,
    cast(null as boolean) as is_skipped,
    context_type,
    context_uri,
    load_id
from recently_played
