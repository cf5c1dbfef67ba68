"""Which tracks of the library can be played in the market of the account."""
