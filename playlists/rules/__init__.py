"""Playlists by rules: the language, the stored rules, their checks, previews and explanations."""
