"""What every page has: a line of links to the others, and where things are on Spotify and in Prefect."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from flows.views.markdown import link

if TYPE_CHECKING:
    from datetime import date, datetime
    from zoneinfo import ZoneInfo

    from flows.views.links import Spotify
    from flows.views.pages import Addresses
    from profiles.settings import Settings

LIBRARY, PLAYLISTS, LISTENING, DIAGNOSTICS = "library", "playlists", "listening", "diagnostics"
MENU = {LIBRARY: "Library", PLAYLISTS: "Playlists", LISTENING: "Listening", DIAGNOSTICS: "Diagnostics"}
SHOWN_YEARS = 3
"""In the line of links; *Listening* links to all of them."""
PLAYLIST_PREFIX, YEAR_PREFIX = "playlist-", "year-"


@dataclass(frozen=True)
class Frame:
    """What pages share: their addresses, the years that have one, the time, the zone, Spotify's address."""

    addresses: Addresses
    years: tuple[int, ...]
    """Newest first."""
    now: datetime
    zone: ZoneInfo
    spotify: Spotify

    @property
    def today(self) -> date:
        """The day that it is for the person."""
        return self.now.astimezone(self.zone).date()

    def menu(self, current: str) -> str:
        """Return the line of links to the pages; the one that it stands on is bold."""
        names = {**MENU, **{year_name(year): f"Year {year}" for year in self.years[:SHOWN_YEARS]}}
        return " · ".join(
            f"**{title}**" if name == current else link(title, self.addresses.of(name))
            for name, title in names.items()
        )

    def page(self, text: str, name: str) -> str:
        """Return a link to a page of ours; the text alone where there is no such page."""
        return link(text, self.addresses.of(name))


def spotify_url(settings: Settings) -> str:
    """Return where Spotify's pages are: `accounts.` of its sign-in becomes `open.`."""
    return settings.spotify_accounts_url.replace("://accounts.", "://open.", 1)


def year_name(year: int) -> str:
    """Return the name of a year's page."""
    return f"{YEAR_PREFIX}{year}"


def playlist_name(slug: str) -> str:
    """Return the name of a playlist's page."""
    return f"{PLAYLIST_PREFIX}{slug.replace('_', '-')}"
