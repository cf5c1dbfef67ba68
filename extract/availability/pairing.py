"""Which stored track an entry of a listing with `market` stands for. Pure functions.

With `market` Spotify may show a playable substitute under its own id and, to new apps, no word of the
original: what the library holds has to be found by what relinking leaves alone, the entry's place in the
list. Where that is not certain nothing is paired, and the track stays unknown.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from extract.loading.clean import text_or_none

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Mapping, Sequence

SAME_DURATION_MS = 2000  # editions of one recording differ by less


@dataclass(frozen=True)
class Seen:
    """A track as some payload shows it. `shown` is the track object itself.

    `original_id` is what a substitute says it stands for; new Development Mode leaves that word out.
    """

    id: str | None
    isrc: str | None = None
    name: str | None = None
    duration_ms: int | None = None
    place: tuple[int, int] | None = None
    shown: Mapping[str, Any] = field(default_factory=dict, compare=False)
    original_id: str | None = None

    @classmethod
    def of(cls, track: Any) -> Seen:
        """Read a track object, full or simplified; what is missing or of another type is None."""
        shown = track if isinstance(track, dict) else {}
        ids = shown.get("external_ids")
        isrc = text_or_none(ids.get("isrc")) if isinstance(ids, dict) else None
        name = text_or_none(shown.get("name"))
        duration_ms = shown.get("duration_ms")
        disc, number = shown.get("disc_number"), shown.get("track_number")
        return cls(
            text_or_none(shown.get("id")),
            isrc.upper() if isrc else None,
            name.casefold().strip() if name else None,
            duration_ms if isinstance(duration_ms, int) else None,
            (disc, number) if isinstance(disc, int) and isinstance(number, int) else None,
            shown,
            text_or_none(linked.get("id")) if isinstance(linked := shown.get("linked_from"), dict) else None,
        )


@dataclass(frozen=True)
class Answer:
    """What a listing with `market` says of one track; `linked_id` is the substitute that it showed."""

    is_playable: bool | None
    reason: str | None = None
    linked_id: str | None = None


GONE = Answer(is_playable=False, reason="gone")


def answer_of(listed: Seen, stored_id: str) -> Answer | None:
    """Return the answer about the stored track, None where there is none: a missing field is no *no*.

    A reason alone is one: in albums Spotify tells restrictions without `is_playable`.
    """
    playable = listed.shown.get("is_playable")
    restrictions = listed.shown.get("restrictions")
    reason = text_or_none(restrictions.get("reason")) if isinstance(restrictions, dict) else None
    if not isinstance(playable, bool):
        return None if reason is None else Answer(is_playable=False, reason=reason)
    return Answer(playable, reason, listed.id if listed.id != stored_id else None)


Pairs = dict[str, Seen]
"""Stored track id → the listed track that stands for it."""


def pair_by_id(stored_ids: Sequence[str], listed: Sequence[Seen]) -> Pairs:
    """Pair what kept its id, nearly everything, and substitutes that name what they stand for."""
    wanted = set(stored_ids)
    pairs: Pairs = {}
    for track in listed:
        own_id = track.original_id or track.id
        if own_id in wanted:
            pairs.setdefault(own_id, track)
    return pairs


def pair_relinked(stored: Sequence[Seen], listed: Sequence[Seen], *, is_alone: bool) -> Pairs:
    """Pair, among entries of one `added_at`, those whose id changed: by ISRC, then by name and duration.

    A mark that two share pairs neither. `is_alone`: the moment has one stored entry and one listed one, so
    that the moment itself tells; with several, what nothing marks stays unpaired.
    """
    pairs: Pairs = {}
    for rule in (_by_isrc, _by_name):
        left = [one for one in stored if one.id not in pairs]
        taken = {id(track) for track in pairs.values()}
        pairs |= rule(left, [track for track in listed if id(track) not in taken])
    if is_alone and not pairs and len(stored) == len(listed) == 1 and stored[0].id is not None:
        pairs[stored[0].id] = listed[0]
    return pairs


def pair_album(stored: Sequence[Seen], listed: Sequence[Seen]) -> Pairs:
    """Pair the same stretch of one album's tracks: by id, then by place.

    The place is the position in the album where both are equally long (a substitute carries the numbers of
    the album that it was taken from), else disc and track number where nobody else has the same.
    """
    pairs = pair_by_id([one.id for one in stored if one.id], listed)
    taken = {id(track) for track in pairs.values()}
    if len(stored) == len(listed):
        for mine, theirs in zip(stored, listed, strict=True):
            if mine.id is not None and mine.id not in pairs and id(theirs) not in taken:
                pairs[mine.id] = theirs
        return pairs
    left = [one for one in stored if one.id not in pairs]
    return pairs | _by_key(left, [track for track in listed if id(track) not in taken], lambda one: one.place)


def _by_isrc(stored: Sequence[Seen], listed: Sequence[Seen]) -> Pairs:
    return _by_key(stored, listed, lambda one: one.isrc)


def _by_key(stored: Sequence[Seen], listed: Sequence[Seen], key: Callable[[Seen], Hashable | None]) -> Pairs:
    mine, theirs = Counter(map(key, stored)), Counter(map(key, listed))
    candidates = {key(track): track for track in listed}
    return {
        one.id: candidates[mark]
        for one in stored
        if (mark := key(one)) is not None and one.id and mine[mark] == theirs[mark] == 1
    }


def _by_name(stored: Sequence[Seen], listed: Sequence[Seen]) -> Pairs:
    fits = {at: [track for track in listed if _sounds_alike(one, track)] for at, one in enumerate(stored)}
    wooed = Counter(id(track) for tracks in fits.values() for track in tracks)
    pairs: Pairs = {}
    for at, tracks in fits.items():
        own_id = stored[at].id
        if len(tracks) == 1 and wooed[id(tracks[0])] == 1 and own_id is not None:
            pairs[own_id] = tracks[0]
    return pairs


def _sounds_alike(one: Seen, other: Seen) -> bool:
    if one.name is None or one.name != other.name or one.duration_ms is None or other.duration_ms is None:
        return False
    return abs(one.duration_ms - other.duration_ms) <= SAME_DURATION_MS
