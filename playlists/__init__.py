"""Selections made by dbt become Spotify playlists: plan, check, apply, verify, record, and undo."""
