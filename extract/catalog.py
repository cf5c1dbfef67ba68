"""The catalogue as far as the library needs it: what can be played, who the artists are, newer editions.

Everything here is budgeted: asked in pages where pages tell, else one by one within a day's allowance, and
never again while it is fresh.
"""

from extract.artists import sync_artist_albums, sync_artists
from extract.availability.sync import check_availability

__all__ = ["check_availability", "sync_artist_albums", "sync_artists"]
