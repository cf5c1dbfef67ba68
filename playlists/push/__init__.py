"""Bringing a playlist on Spotify in line with its selection: plan, check, apply, verify, record."""
