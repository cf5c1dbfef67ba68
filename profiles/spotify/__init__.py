"""The one client of the Spotify Web API: retries, budgets and cooldowns around spotipy."""
