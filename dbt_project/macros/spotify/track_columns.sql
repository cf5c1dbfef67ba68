{#
    The columns of a track object, full or simplified, of either API mode. Its album's are album_columns: a
    track embedded in a saved album does not carry them.
#}
{% macro track_columns(track) -%}
    {{ json_text(track, 'name') }} as title,
    {{ json_text(track, 'artists', 0, 'name') }} as artist,
    {{ json_text(track, 'artists', 0, 'id') }} as artist_id,
    coalesce((
        select jsonb_agg(artists.artist -> 'name' order by artists.position)
        from jsonb_array_elements({{ json_array(track, 'artists') }}) with ordinality as artists (artist, position)
        where artists.artist ->> 'name' <> ''
    ), '[]') as artists,
    {{ json_integer(track, 'track_number') }} as track_number,
    {{ json_integer(track, 'disc_number') }} as disc_number,
    nullif({{ json_integer(track, 'duration_ms') }}, 0) as duration_ms,
    {{ json_boolean(track, 'explicit') }} as explicit,
    nullif(
        upper(regexp_replace({{ json_text(track, 'external_ids', 'isrc') }}, '[^0-9A-Za-z]', '', 'g') collate "C")
        collate "default",
        ''
    ) as isrc,
    {{ json_integer(track, 'popularity') }} as popularity
{%- endmacro %}

{% macro album_columns(album) -%}
    {{ json_text(album, 'name') }} as album,
    {{ json_text(album, 'artists', 0, 'name') }} as album_artist,
    {{ json_text(album, 'album_type') }} as album_type,
    {{ json_integer(album, 'total_tracks') }} as album_total_tracks,
    {{ json_text(album, 'images', 0, 'url') }} as album_image_url,
    {{ release_date(json_text(album, 'release_date')) }} as release_date,
    {{ release_precision(json_text(album, 'release_date'), json_text(album, 'release_date_precision')) }} as release_precision
{%- endmacro %}
