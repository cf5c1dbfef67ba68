"""Liked tracks and saved albums: finding what changed from few pages, and proving what left."""
