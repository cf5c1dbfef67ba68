{#
    The fields of unified_tracks that a block or a rule may name, with their types: the closed list that
    keeps names that people write out of SQL, and tells which of them are text.
#}
{% macro track_fields() -%}
    {{ return({
        'track_id': 'text', 'track_uri': 'text', 'title': 'text', 'artist': 'text', 'artist_id': 'text',
        'artists': 'list', 'album': 'text', 'album_id': 'text', 'album_type': 'text', 'album_image_url': 'text',
        'release_date': 'date', 'release_precision': 'text', 'track_number': 'number', 'disc_number': 'number',
        'duration_ms': 'number', 'explicit': 'boolean', 'isrc': 'text', 'recording_id': 'text', 'genres': 'list',
        'popularity': 'number',
        'is_liked': 'boolean', 'liked_at': 'moment', 'is_album_saved': 'boolean', 'album_saved_at': 'moment',
        'added_at': 'moment', 'added_via': 'text', 'is_playable': 'boolean', 'playable_checked_at': 'moment',
        'is_excluded': 'boolean', 'exclusion_reason': 'text', 'is_refused': 'boolean',
        'play_count': 'number', 'track_play_count': 'number', 'plays_7d': 'number', 'plays_30d': 'number',
        'plays_90d': 'number', 'plays_365d': 'number', 'first_played_at': 'moment', 'last_played_at': 'moment',
        'days_played': 'number', 'max_plays_in_a_day': 'number', 'skip_count': 'number', 'skip_rate': 'number',
        'ms_played': 'number',
        'artist_play_count': 'number', 'artist_last_played_at': 'moment', 'artist_track_count': 'number',
        'album_play_count': 'number', 'album_last_played_at': 'moment', 'album_track_count': 'number',
        'album_completion': 'number',
    }) }}
{%- endmacro %}
