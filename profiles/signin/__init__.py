"""The sign-in to Spotify: consent, callback, token store and refresh."""
