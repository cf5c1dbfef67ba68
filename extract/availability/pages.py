"""The library's two lists page by page with `market`, each entry paired with the stored track it is."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import chain
from math import ceil
from typing import TYPE_CHECKING, Any

from extract.availability.pairing import Pairs, Seen, answer_of, pair_album, pair_by_id, pair_relinked
from extract.library.stored import ALBUMS, LIKES, Collection, known_entries
from extract.loading.clean import clean, optional_time, text_or_none
from extract.loading.lookup_budget import Kind, read_checks
from extract.loading.stored_payloads import StoredPayload, stored_payloads
from profiles.errors import BadRequest, Deferred, NotFound

if TYPE_CHECKING:
    from collections.abc import Collection as Some
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from extract.availability.answers import Answers
    from extract.report import Progress
    from profiles.session import Session
    from profiles.spotify.client import Page

logger = logging.getLogger(__name__)

PAGE_SIZE = 50
NIGHTS = 7  # a seventh of the pages each night
SAME_NIGHT = timedelta(hours=20)  # a run that goes on where an earlier one stopped starts no new seventh


def choose_pages(count: int, asked: Mapping[int, datetime], fresh: Some[int], now: datetime) -> list[int]:
    """Return which of `count` pages (by number) are due tonight: a seventh, less what this night has seen.

    First those with entries that came since the last pass (`fresh`), then those that waited longest.
    """
    tonight = {page for page in range(count) if page in asked and asked[page] > now - SAME_NIGHT}
    waiting = [page for page in range(count) if page not in tonight]
    waiting.sort(key=lambda page: (page not in fresh, asked[page].timestamp() if page in asked else 0, page))
    return waiting[: max(0, ceil(count / NIGHTS) - len(tonight))]


@dataclass
class Pages:
    """One list of the library under review. Counts what did not pair: those tracks stay as they were."""

    session: Session
    answers: Answers
    collection: Collection
    kind: Kind
    pages_read: int = 0
    unpaired: int = 0
    differs: str = ""
    deferred: list[Deferred] = field(default_factory=list)

    def __post_init__(self) -> None:
        known = known_entries(self.session.database, self.collection)
        self.standing = {id_: entry.added_at for id_, entry in known.items() if entry.is_present}
        self._moments = sorted(self.standing.values(), reverse=True)
        self._by_moment: dict[datetime, list[str]] = {}
        for id_, added_at in self.standing.items():
            self._by_moment.setdefault(added_at, []).append(id_)

    def review(self, *, full: bool, progress: Progress | None = None) -> None:
        """Ask for the pages that are due (all with `full`). Raises what ends the list: nothing is undone."""
        count = ceil(len(self._moments) / PAGE_SIZE)
        for number in range(count) if full else self._due(count):
            page = self.session.spotify.page(
                self.collection.path,
                limit=PAGE_SIZE,
                offset=number * PAGE_SIZE,
                market=self.answers.market,
            )
            self.pages_read += 1
            if page.total != len(self._moments):
                self.differs = f"Spotify lists {page.total} where {len(self._moments)} are stored"
            take = self._take_likes if self.collection is LIKES else self._take_albums
            if take(page):
                self.answers.page_done(self.kind, number)
            if progress is not None:
                progress(min((number + 1) * PAGE_SIZE, len(self._moments)), len(self._moments))

    def _due(self, count: int) -> list[int]:
        checks = read_checks(self.session.database, self.kind, self.answers.market)
        asked = {int(key): check.asked_at for key, check in checks.items()}
        last = max(asked.values(), default=None)
        fresh = {place // PAGE_SIZE for place, added in enumerate(self._moments) if last and added > last}
        return choose_pages(count, asked, fresh, self.answers.moment)

    def _take_likes(self, page: Page) -> bool:
        listed: dict[datetime, list[Seen]] = {}
        for came in page.items:
            item = clean(came) if isinstance(came, dict) else {}
            added_at = optional_time(item.get("added_at"))
            if added_at is None:
                self.unpaired += 1
            else:
                listed.setdefault(added_at, []).append(Seen.of(item.get("track")))
        pairs: Pairs = {}
        left: dict[datetime, list[str]] = {}
        for added_at, tracks in listed.items():
            stored = self._by_moment.get(added_at, [])
            same = pair_by_id(stored, tracks)
            pairs |= same
            if len(same) < len(tracks) and len(same) < len(stored):
                left[added_at] = [id_ for id_ in stored if id_ not in same]
        payloads = stored_payloads(self.session.database, LIKES.table, chain.from_iterable(left.values()))
        for added_at, ids in left.items():
            # by identity: two entries of one moment may look the same
            taken = {id(track) for track in pairs.values()}
            others = [track for track in listed[added_at] if id(track) not in taken]
            is_alone = len(self._by_moment[added_at]) == len(listed[added_at]) == 1 and page.total == len(
                self._moments
            )
            pairs |= pair_relinked(
                [_stored_like(id_, payloads.get(id_)) for id_ in ids], others, is_alone=is_alone
            )
            if len(self._by_moment[added_at]) <= len(listed[added_at]):
                self._note_missing(ids, pairs)
        self._answer(pairs, sum(map(len, listed.values())))
        return _mostly(len(pairs), len(page.items))

    def _take_albums(self, page: Page) -> bool:
        albums: dict[str, Any] = {}
        for came in page.items:
            item = clean(came) if isinstance(came, dict) else {}
            album = item.get("album")
            id_ = text_or_none(album.get("id")) if isinstance(album, dict) else None
            if id_ is not None and id_ in self.standing:
                albums[id_] = album
            else:
                self.unpaired += 1
        is_whole = True
        for id_, payload in stored_payloads(self.session.database, ALBUMS.table, list(albums)).items():
            stored = [Seen.of(track) for track in _tracks(payload.best.get("album"))]
            listed = [Seen.of(track) for track in _tracks(albums[id_])]
            rest = self._rest_of(id_, len(listed), _total(albums[id_]))
            is_whole = is_whole and rest is not None
            listed += rest or []
            if rest is None:
                stored = stored[: len(listed)]
            pairs = pair_album(stored, listed)
            self._note_missing([one.id for one in stored if one.id], pairs)
            self._answer(pairs, len(listed))
        return is_whole and _mostly(len(albums), len(page.items))

    def _rest_of(self, album_id: str, offset: int, total: int) -> list[Seen] | None:
        """The tracks after the embedded fifty; None where the album's endpoints have to rest."""
        rest: list[Seen] = []
        if offset >= total:
            return rest
        try:
            for page in self.session.spotify.pages(
                f"albums/{album_id}/tracks", limit=PAGE_SIZE, offset=offset, market=self.answers.market
            ):
                rest.extend(Seen.of(track) for track in clean(page.items))
        except (NotFound, BadRequest) as error:
            logger.warning("album %s: its tracks after %d stay unknown: %s", album_id, offset, error)
        except Deferred as error:
            self.deferred.append(error)
            return None
        return rest

    def _note_missing(self, ids: Iterable[str], pairs: Mapping[str, Seen]) -> None:
        for id_ in ids:
            if id_ not in pairs:
                self.answers.take(id_, None, None)

    def _answer(self, pairs: Pairs, listed: int) -> None:
        self.unpaired += max(0, listed - len(pairs))
        for id_, track in pairs.items():
            self.answers.take(id_, answer_of(track, id_), track.shown)


def _mostly(paired: int, listed: int) -> bool:
    """A page that hardly pairs shows another list than the stored one: it is asked again, not in a week."""
    return 2 * paired >= listed


def _stored_like(id_: str, payload: StoredPayload | None) -> Seen:
    seen = Seen.of(payload.best.get("track") if payload else None)
    return seen if seen.id == id_ else Seen(id_)


def _tracks(album: Any) -> Sequence[Any]:
    tracks = album.get("tracks") if isinstance(album, dict) else None
    items = tracks.get("items") if isinstance(tracks, dict) else None
    return items if isinstance(items, list) else []


def _total(album: Mapping[str, Any]) -> int:
    tracks = album.get("tracks")
    total = tracks.get("total") if isinstance(tracks, dict) else None
    return total if isinstance(total, int) else 0
