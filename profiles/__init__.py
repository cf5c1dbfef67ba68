"""Connections of every tool: settings, database, Spotify, dbt. The lowest layer: imports nothing of ours."""
