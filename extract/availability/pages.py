"""The pages of the library listed with `market`, each entry paired with the track that it stands for."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import chain
from math import ceil
from typing import TYPE_CHECKING, Any

from extract.availability.pairing import (
    Pairs,
    ShownTrack,
    availability_of,
    pair_album,
    pair_by_id,
    pair_relinked,
    without_paired,
)
from extract.library.stored import ALBUMS, LIKES, Collection, stored_entries
from extract.loading.clean import clean, optional_time, text_or_none
from extract.loading.lookup_budget import Kind, read_checks
from extract.loading.stored_payloads import StoredPayload, stored_payloads
from extract.loading.whole_view import PAGE_SIZE
from profiles.errors import BadRequest, Deferred, NotFound

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from collections.abc import Set as AbstractSet
    from datetime import datetime

    from extract.availability.answers import Answers
    from extract.report import Progress
    from profiles.spotify.client import Page

logger = logging.getLogger(__name__)

NIGHTS = 7  # a seventh of the pages each night
SAME_NIGHT = timedelta(hours=20)  # a run that continues an interrupted one starts no new seventh


def choose_pages(
    count: int, asked_at: Mapping[int, datetime], with_new: AbstractSet[int], now: datetime
) -> list[int]:
    """Return which of `count` pages (by number) are due tonight: a seventh, less what was asked this night.

    First come pages with entries that are new since the last pass (`with_new`), then those asked longest ago.
    """
    tonight = {page for page in range(count) if page in asked_at and asked_at[page] > now - SAME_NIGHT}
    waiting = [page for page in range(count) if page not in tonight]
    waiting.sort(
        key=lambda page: (page not in with_new, asked_at[page].timestamp() if page in asked_at else 0, page)
    )
    return waiting[: max(0, ceil(count / NIGHTS) - len(tonight))]


@dataclass
class MarketListing:
    """One list of the library, asked for with `market`. Entries that pair with nothing are counted.

    `entries` are the stored ones that are in the library now: id → added_at.
    """

    answers: Answers
    collection: Collection
    kind: Kind
    pages_read: int = 0
    unpaired: int = 0
    difference: str = ""
    deferred: list[Deferred] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._session = self.answers.run.session
        stored = stored_entries(self._session.database, self.collection)
        self.entries = {id_: entry.added_at for id_, entry in stored.items() if entry.is_present}
        self._times = sorted(self.entries.values(), reverse=True)
        self._ids_by_time: dict[datetime, list[str]] = {}
        for id_, added_at in self.entries.items():
            self._ids_by_time.setdefault(added_at, []).append(id_)

    def ask(self, *, full: bool, progress: Progress | None = None) -> None:
        """Ask for the pages that are due, with `full` for all. Answers stay also where an error ends it."""
        total = len(self._times)
        count = ceil(total / PAGE_SIZE)
        for number in range(count) if full else self._due_pages(count):
            page = self._session.spotify.page(
                self.collection.path,
                limit=PAGE_SIZE,
                offset=number * PAGE_SIZE,
                market=self.answers.market,
            )
            self.pages_read += 1
            if page.total != total:
                self.difference = f"Spotify lists {page.total} where {total} are stored"
            add_page = self._add_likes if self.collection is LIKES else self._add_albums
            if add_page(page):
                self.answers.finish_page(self.kind, number)
            if progress is not None:
                progress(min((number + 1) * PAGE_SIZE, total), total)

    def _due_pages(self, count: int) -> list[int]:
        checks = read_checks(self._session.database, self.kind, self.answers.market)
        asked_at = {int(key): check.asked_at for key, check in checks.items()}
        last = max(asked_at.values(), default=None)
        with_new = {
            position // PAGE_SIZE
            for position, added_at in enumerate(self._times)
            if last is not None and added_at > last
        }
        return choose_pages(count, asked_at, with_new, self.answers.run.started_at)

    def _add_likes(self, page: Page) -> bool:
        """Pair the entries of each time, by id first. Returns whether most entries of the page pair."""
        listed: dict[datetime, list[ShownTrack]] = {}
        for item in map(_as_object, page.items):
            added_at = optional_time(item.get("added_at"))
            if added_at is None:
                self.unpaired += 1
            else:
                listed.setdefault(added_at, []).append(ShownTrack.of(item.get("track")))
        pairs: Pairs = {}
        left: dict[datetime, list[str]] = {}
        for added_at, tracks in listed.items():
            stored_ids = self._ids_by_time.get(added_at, [])
            by_id = pair_by_id(stored_ids, tracks)
            pairs |= by_id
            if len(by_id) < len(tracks) and len(by_id) < len(stored_ids):
                left[added_at] = [id_ for id_ in stored_ids if id_ not in by_id]
        payloads = stored_payloads(self._session.database, LIKES.table, chain.from_iterable(left.values()))
        for added_at, ids in left.items():
            tracks, stored_count = listed[added_at], len(self._ids_by_time[added_at])
            is_alone = stored_count == len(tracks) == 1 and page.total == len(self._times)
            stored = [_stored_like(id_, payloads.get(id_)) for id_ in ids]
            pairs |= pair_relinked(stored, without_paired(tracks, pairs), is_alone=is_alone)
            if stored_count <= len(tracks):
                self._add_unanswered(ids, pairs)
        self._add_pairs(pairs, sum(map(len, listed.values())))
        return _are_most(len(pairs), len(page.items))

    def _add_albums(self, page: Page) -> bool:
        """Pair the tracks of each album. Returns whether most albums pair, and all their tracks were read."""
        albums: dict[str, Any] = {}
        for item in map(_as_object, page.items):
            album = _as_object(item.get("album"))
            id_ = text_or_none(album.get("id"))
            if id_ is not None and id_ in self.entries:
                albums[id_] = album
            else:
                self.unpaired += 1
        is_whole = True
        for id_, payload in stored_payloads(self._session.database, ALBUMS.table, list(albums)).items():
            stored = [ShownTrack.of(track) for track in _tracks_of(payload.best.get("album"))]
            listed = [ShownTrack.of(track) for track in _tracks_of(albums[id_])]
            later = self._later_tracks(id_, len(listed), _total_of(albums[id_]))
            is_whole = is_whole and later is not None
            listed += later or []
            if later is None:
                stored = stored[: len(listed)]
            pairs = pair_album(stored, listed)
            self._add_unanswered([track.id for track in stored if track.id], pairs)
            self._add_pairs(pairs, len(listed))
        return is_whole and _are_most(len(albums), len(page.items))

    def _later_tracks(self, album_id: str, offset: int, total: int) -> list[ShownTrack] | None:
        """The tracks after the embedded fifty; None where Spotify defers calls to the album's endpoint."""
        later: list[ShownTrack] = []
        if offset >= total:
            return later
        try:
            for page in self._session.spotify.pages(
                f"albums/{album_id}/tracks", limit=PAGE_SIZE, offset=offset, market=self.answers.market
            ):
                later.extend(ShownTrack.of(track) for track in clean(page.items))
        except (NotFound, BadRequest) as error:
            logger.warning("album %s: its tracks after %d stay unknown: %s", album_id, offset, error)
        except Deferred as error:
            self.deferred.append(error)
            return None
        return later

    def _add_unanswered(self, ids: Iterable[str], pairs: Mapping[str, ShownTrack]) -> None:
        for id_ in ids:
            if id_ not in pairs:
                self.answers.add(id_, None, None)

    def _add_pairs(self, pairs: Pairs, listed_count: int) -> None:
        self.unpaired += max(0, listed_count - len(pairs))
        for id_, track in pairs.items():
            self.answers.add(id_, availability_of(track, id_), track.payload)


def _are_most(paired: int, listed: int) -> bool:
    """Whether most pair. If not, the page shows another list than the stored one and is asked for again."""
    return 2 * paired >= listed


def _as_object(item: Any) -> dict[str, Any]:
    return clean(item) if isinstance(item, dict) else {}


def _stored_like(id_: str, payload: StoredPayload | None) -> ShownTrack:
    track = ShownTrack.of(payload.best.get("track") if payload else None)
    return track if track.id == id_ else ShownTrack(id_)


def _tracks_of(album: Any) -> Sequence[Any]:
    tracks = album.get("tracks") if isinstance(album, dict) else None
    items = tracks.get("items") if isinstance(tracks, dict) else None
    return items if isinstance(items, list) else []


def _total_of(album: Mapping[str, Any]) -> int:
    tracks = album.get("tracks")
    total = tracks.get("total") if isinstance(tracks, dict) else None
    return total if isinstance(total, int) else 0
