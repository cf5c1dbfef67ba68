with

artists as (
    select
        artist_id,
        fetched_at,
        {{ filled_payload('artists', 'artists') }} as payload
    from (select * from {{ source('raw_spotify', 'artists') }}) as artists
)

select
    cast(artist_id as text) as artist_id,
    {{ json_text('payload', 'name') }} as name,
    coalesce((
        select jsonb_agg(genres.genre order by genres.position)
        from jsonb_array_elements({{ json_array('payload', 'genres') }}) with ordinality as genres (genre, position)
        where jsonb_typeof(genres.genre) = 'string' and genres.genre #>> '{}' <> ''
    ), '[]') as genres,
    {{ json_text('payload', 'images', 0, 'url') }} as image_url,
    -- removed in new Development Mode
    {{ json_integer('payload', 'popularity') }} as popularity,
    fetched_at
from artists
