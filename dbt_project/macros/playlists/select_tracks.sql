{#
    The CTEs that turn `candidates` (rows with the columns of unified_tracks, in the CTE above) into `selection`:
    what the block says, in this order: gates, one edition per recording, who gets in, how it plays.

    Where `explain` and `preview` compile it, with TRACKER_GATES set, `selection` has one row per candidate instead:
    how far it came, and its position if it is selected (see gates() below).
#}
{% macro select_tracks(block) -%}
{%- set full = validated_playlist(block) -%}
{%- set seed = shuffle_seed(full.seed) -%}
eligible as (
    select *
    from candidates
    where
        track_uri like 'spotify:track:%'
        {%- if not full.include_excluded %}
        and is_excluded is not true
        {%- endif %}
        {%- if not full.include_unavailable %}
        -- unknown is kept: an answer that is missing is not a no
        and is_playable is not false
        {%- endif %}
        -- what Spotify would not take cannot stand there, whatever the block says
        and is_refused is not true
        {%- if full.limit.minutes is not none %}
        -- of unknown length: nobody could promise the minutes
        and duration_ms > 0
        {%- endif %}
),

editions as (
    select
        eligible.*,
        row_number() over (
            partition by {% if full.dedupe_recordings %}coalesce(recording_id, track_id){% else %}track_id{% endif %}
            order by
                {{ edition_order() }},
                -- a track that the model's joins doubled stands once, and always the same of its rows
                {{ order_terms(full.select_by + full.order_by, seed) }}
        ) as edition_rank
    from eligible
),

ranked as (
    select
        editions.*,
        row_number() over (order by {{ order_terms(full.select_by, seed) }}) as select_rank
    from editions
    where edition_rank = 1
),

-- albums before artists: a track that its album has no room for takes no place of its artist
counted_by_album as (
    select
        ranked.*,
        row_number() over (partition by coalesce(album_id, track_id) order by select_rank) as album_turn
    from ranked
),

counted_by_artist as (
    select
        counted_by_album.*,
        row_number() over (partition by coalesce(artist_id, artist, track_id) order by select_rank) as artist_turn
    from counted_by_album
    {%- if full.per_album is not none %}
    where album_turn <= {{ full.per_album }}
    {%- endif %}
),

measured as (
    select
        counted_by_artist.*,
        row_number() over (order by select_rank) as limit_rank,
        sum(coalesce(duration_ms, 0)) over (order by select_rank) as running_ms
    from counted_by_artist
    {%- if full.per_artist is not none %}
    where artist_turn <= {{ full.per_artist }}
    {%- endif %}
),

chosen as (
    select
        measured.*,
        row_number() over (order by {{ order_terms(full.order_by, seed) }}) as play_rank
    from measured
    where
        limit_rank <= {{ full.limit.tracks or 10000 }}
        {%- if full.limit.minutes is not none %}
        -- up to the first that would go over: a shorter one further down would come in before its turn
        and running_ms <= {{ full.limit.minutes }} * 60000
        {%- endif %}
),

{{ arrange_tracks(full) }},

selection as (
    {%- if execute and env_var('TRACKER_GATES', '') %}
    {{ gates() }}
    {%- else %}
    select
        cast(place as integer) as position,
        track_id,
        track_uri,
        recording_id,
        title,
        artist
    from placed
    {%- endif %}
)
{%- endmacro %}

{#
    One row per candidate: which gates of select_tracks() it passed. A column is null where the track did not come so far.
#}
{% macro gates() -%}
    select
        candidates.track_id,
        candidates.track_uri,
        candidates.title,
        candidates.artist,
        eligible.track_id is not null as is_eligible,
        (
            select other.track_id
            from editions as other
            where other.recording_id = editions.recording_id and other.edition_rank = 1
            limit 1
        ) as best_edition,
        ranked.select_rank,
        counted_by_album.album_turn,
        counted_by_artist.artist_turn,
        measured.limit_rank,
        measured.running_ms,
        cast(placed.place as integer) as position
    from candidates
    left join eligible on candidates.track_id = eligible.track_id
    left join editions on candidates.track_id = editions.track_id
    left join ranked on candidates.track_id = ranked.track_id
    left join counted_by_album on candidates.track_id = counted_by_album.track_id
    left join counted_by_artist on candidates.track_id = counted_by_artist.track_id
    left join measured on candidates.track_id = measured.track_id
    left join placed on candidates.track_id = placed.track_id
{%- endmacro %}

{#
    The CTEs that turn `chosen` (with play_rank) into `placed` (with place): the turns of a round robin, then artists
    apart as far as that can be. The test of a reproducible order arranges once more by it.
#}
{% macro arrange_tracks(full) -%}
arranged as (
    select
        chosen.*,
        {%- if full.round_robin == 'artist' %}
        row_number() over (partition by coalesce(artist_id, artist, track_id) order by play_rank) as turn
        {%- elif full.round_robin == 'album' %}
        row_number() over (partition by coalesce(album_id, track_id) order by play_rank) as turn
        {%- else %}
        1 as turn
        {%- endif %}
    from chosen
),

{% if full.artist_separation -%}
in_order as (
    select
        arranged.*,
        row_number() over (order by turn, play_rank) as base_place,
        -- a number per artist: the order of names decides nothing here
        dense_rank() over (order by coalesce(artist_id, artist, track_id) collate "C") as artist_number
    from arranged
),

places as (
    select
        apart.base_place,
        apart.place
    from (
        select {{ places_apart() }}(
            cast(array_agg(artist_number order by base_place) as integer []), {{ full.artist_separation }}
        ) as order_of_places
        from in_order
    ) as answer
    cross join lateral unnest(answer.order_of_places) with ordinality as apart (base_place, place)
),

placed as (
    select
        in_order.*,
        places.place
    from in_order
    inner join places on in_order.base_place = places.base_place
)
{%- else -%}
placed as (
    select
        arranged.*,
        row_number() over (order by turn, play_rank) as place
    from arranged
)
{%- endif %}
{%- endmacro %}
