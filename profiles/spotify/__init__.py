"""The only client of the Spotify Web API: spotipy with our retries, call counts and cooldowns."""
