"""Spotify over HTTP: the Web API, the accounts service, and the checks that every request goes through."""
