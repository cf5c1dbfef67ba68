{{ config(
    materialized='incremental',
    unique_key='play_id',
    on_schema_change='fail',
    indexes=[{'columns': ['load_id']}, {'columns': ['track_id']}],
    post_hook='{{ remember_definition() }}',
) }}

with

listens as (
    select
        listen_id,
        source,
        played_at,
        track_id,
        track_uri,
        ms_played,
        is_length_known,
        is_skipped,
        context_type,
        context_uri,
        load_id
    from {{ ref('listens') }}
    {%- if is_incremental() %}
    where load_id not in (select known.load_id from {{ this }} as known)
    {%- endif %}
)

select
    listen_id as play_id,
    source,
    played_at,
    {{ local_date('played_at') }} as local_date,
    track_id,
    track_uri,
    ms_played,
    is_length_known,
    is_skipped,
    context_type,
    context_uri,
    load_id
from listens
where {{ counts_as_play('is_length_known', 'ms_played') }}
