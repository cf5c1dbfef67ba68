"""Reads the marts, renders the pages, and writes them to the Prefect server."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from psycopg2 import errors as pg

from flows.views import diagnostics, library, listening, playlist_rows, playlists
from flows.views import frame as frames
from flows.views import year as years
from flows.views.frame import (
    DIAGNOSTICS,
    LIBRARY,
    LISTENING,
    MENU,
    PLAYLISTS,
    Frame,
    playlist_name,
    year_name,
)
from flows.views.links import Spotify
from flows.views.markdown import moment
from flows.views.pages import Addresses, Page, PageStore, open_client
from flows.views.rows import Reader
from playlists.standing import Standing, read_standings
from profiles.clock import real_now
from profiles.database import advisory_lock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from prefect.client.orchestration import SyncPrefectClient

    from profiles.database import Database
    from profiles.settings import Settings

OF_AN_OLDER_VERSION = (
    "This page needs tables that this version has not built yet. They are built in the night, or by"
    " build-models and `tracker build`."
)
SUMMARY = "analytics.listening_summary"
YEARS = "where period_kind = 'year' order by period desc"
KILOBYTE = 1000
PUSHES = "update-playlists"


class Which(StrEnum):
    """Which pages are made anew."""

    LIBRARY = "library"
    PLAYLISTS = "playlists"
    """*Library* and what shows playlists."""
    ALL = "all"


@dataclass(frozen=True)
class Refreshed:
    """Pages that were made anew."""

    count: int
    size_bytes: int
    addresses: Addresses

    @property
    def summary(self) -> str:
        """One line."""
        return f"{self.count} pages, {self.size_bytes / KILOBYTE:,.0f} kB"


@dataclass(frozen=True)
class Year:
    """A year that has a page."""

    period: str


def refresh(settings: Settings, database: Database, which: Which = Which.ALL) -> Refreshed:
    """Make pages anew on the Prefect server that Prefect's settings name.

    One process at a time does that. Raises httpx.HTTPError where the server does not answer.
    """
    with advisory_lock(database, "pages", wait=True), open_client() as client:
        store = PageStore(client)
        standings = read_standings(database)
        with database.transaction() as cursor:
            years = tuple(int(each.period) for each in Reader(cursor).rows(Year, SUMMARY, YEARS))
        frame = Frame(
            addresses=store.make(titles(years, standings)),
            years=years,
            now=real_now(),
            zone=ZoneInfo(settings.tracker_timezone),
            spotify=Spotify(frames.spotify_url(settings)),
        )
        next_push = _next_push(client, frame.zone)
        made = list(_pages(settings, database, frame, standings, next_push=next_push, which=which))
        store.write(made)
        addresses = store.addresses()
    return Refreshed(len(made), sum(len(page.text.encode()) for page in made), addresses)


def titles(years: tuple[int, ...], standings: list[Standing]) -> dict[str, str]:
    """Return the title of every page that there is to be, by name."""
    return {
        **MENU,
        **{year_name(year): str(year) for year in years},
        **{playlist_name(each.slug): each.name for each in standings if playlist_rows.has_page(each)},
    }


def _pages(
    settings: Settings,
    database: Database,
    frame: Frame,
    standings: list[Standing],
    *,
    next_push: str,
    which: Which,
) -> Iterator[Page]:
    def read_library(reader: Reader) -> list[Page]:
        found = library.read(reader, poll_seconds=settings.tracker_poll_seconds)
        return [library.page(found, frame)]

    def read_playlists(reader: Reader) -> list[Page]:
        found = playlist_rows.read(reader, standings, next_push=next_push)
        return [
            playlists.overview(found, frame),
            *(playlists.page(each, found, frame) for each in found.with_page),
        ]

    yield from _rendered(database, frame, LIBRARY, read_library)
    if which is Which.LIBRARY:
        return
    yield from _rendered(database, frame, PLAYLISTS, read_playlists)
    if which is Which.PLAYLISTS:
        return
    yield from _rendered(database, frame, LISTENING, partial(_listening, frame))
    yield from _rendered(database, frame, DIAGNOSTICS, partial(_diagnostics, frame))
    for year in frame.years:
        yield from _rendered(database, frame, year_name(year), partial(_year, frame, year))


def _listening(frame: Frame, reader: Reader) -> list[Page]:
    return [listening.page(listening.read(reader, frame.today.year), frame)]


def _diagnostics(frame: Frame, reader: Reader) -> list[Page]:
    return [diagnostics.page(diagnostics.read(reader), frame)]


def _year(frame: Frame, year: int, reader: Reader) -> list[Page]:
    return [years.page(found, frame) for found in years.read(reader, year)]


def _next_push(client: SyncPrefectClient, zone: ZoneInfo) -> str:
    """Return when the next push is due, as Prefect has planned it, in a sentence."""
    wanted = {
        "deployments": {"name": {"any_": [PUSHES]}},
        "flow_runs": {"state": {"type": {"any_": ["SCHEDULED"]}}},
        "sort": "EXPECTED_START_TIME_ASC",
        "limit": 1,
    }
    planned = client.request("POST", "/flow_runs/filter", json=wanted).json()
    if not planned:
        return "No push is planned."
    due_at = datetime.fromisoformat(planned[0]["expected_start_time"])
    return f"The next push is planned for {moment(due_at, zone)}."


def _rendered(
    database: Database, frame: Frame, name: str, make: Callable[[Reader], list[Page]]
) -> list[Page]:
    """Return what `make` makes; a note in its place where the warehouse is one of an older version."""
    try:
        with database.transaction() as cursor:
            cursor.execute("set transaction isolation level repeatable read read only")
            return make(Reader(cursor))
    except (pg.UndefinedColumn, pg.UndefinedTable):
        title = MENU.get(name, name)
        lines = [frame.menu(name), "", f"# {title}", "", OF_AN_OLDER_VERSION, ""]
        return [Page(name, title, "\n".join(lines))]
