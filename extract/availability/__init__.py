"""Which tracks of the library can be played in the market of the account."""

from extract.availability.sync import check_availability

__all__ = ["check_availability"]
