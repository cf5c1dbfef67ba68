"""Which stored track a track listed with `market` stands for. Pure functions.

With `market` Spotify may list a playable substitute under the substitute's own id. New apps are not told
which track it replaces. The stored track is then found by the entry's place in the list, which relinking does
not change. Where that is ambiguous nothing is paired, and the track's availability stays unknown.
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
class ShownTrack:
    """The facts of a track object that pairing compares; `payload` is the object itself.

    `place` is (disc number, track number). `original_id` is the track that a substitute says it replaces;
    apps in the new Development Mode do not get it.
    """

    id: str | None
    isrc: str | None = None
    name: str | None = None
    duration_ms: int | None = None
    place: tuple[int, int] | None = None
    payload: Mapping[str, Any] = field(default_factory=dict, compare=False)
    original_id: str | None = None

    @classmethod
    def of(cls, track: Any) -> ShownTrack:
        """Read a track object, full or simplified; what is missing or of another type is None."""
        payload = track if isinstance(track, dict) else {}
        ids, original = payload.get("external_ids"), payload.get("linked_from")
        isrc = text_or_none(ids.get("isrc")) if isinstance(ids, dict) else None
        name = text_or_none(payload.get("name"))
        duration_ms = payload.get("duration_ms")
        disc, number = payload.get("disc_number"), payload.get("track_number")
        return cls(
            text_or_none(payload.get("id")),
            isrc.upper() if isrc else None,
            name.casefold().strip() if name else None,
            duration_ms if isinstance(duration_ms, int) else None,
            (disc, number) if isinstance(disc, int) and isinstance(number, int) else None,
            payload,
            text_or_none(original.get("id")) if isinstance(original, dict) else None,
        )


@dataclass(frozen=True)
class Availability:
    """What Spotify says of one track in one market; `linked_id` is the substitute that it listed."""

    is_playable: bool | None
    reason: str | None = None
    linked_id: str | None = None


GONE = Availability(is_playable=False, reason="gone")


def availability_of(listed: ShownTrack, stored_id: str) -> Availability | None:
    """Return what the listed track says of the stored one. None: nothing, since a missing field is no *no*.

    A reason alone is an answer: in albums Spotify gives restrictions without `is_playable`.
    """
    is_playable = listed.payload.get("is_playable")
    restrictions = listed.payload.get("restrictions")
    reason = text_or_none(restrictions.get("reason")) if isinstance(restrictions, dict) else None
    if not isinstance(is_playable, bool):
        return None if reason is None else Availability(is_playable=False, reason=reason)
    return Availability(is_playable, reason, listed.id if listed.id != stored_id else None)


Pairs = dict[str, ShownTrack]
"""Stored track id → the listed track that stands for it."""


def pair_by_id(stored_ids: Sequence[str], listed: Sequence[ShownTrack]) -> Pairs:
    """Pair the tracks that kept their id (nearly all), and substitutes that name the track they replace."""
    wanted = set(stored_ids)
    pairs: Pairs = {}
    for track in listed:
        own_id = track.original_id or track.id
        if own_id in wanted:
            pairs.setdefault(own_id, track)
    return pairs


def pair_relinked(stored: Sequence[ShownTrack], listed: Sequence[ShownTrack], *, is_alone: bool) -> Pairs:
    """Pair the entries of one `added_at` whose id changed: by ISRC, then by name and duration.

    Two tracks with the same ISRC are ambiguous, so neither is paired. Where only one entry is stored and one
    listed at that time (`is_alone`), the time itself pairs them.
    """
    pairs: Pairs = {}
    for pair in (_pair_by_isrc, _pair_by_name):
        left = [track for track in stored if track.id not in pairs]
        pairs |= pair(left, without_paired(listed, pairs))
    if is_alone and not pairs and len(stored) == len(listed) == 1 and stored[0].id is not None:
        pairs[stored[0].id] = listed[0]
    return pairs


def pair_album(stored: Sequence[ShownTrack], listed: Sequence[ShownTrack]) -> Pairs:
    """Pair the same part of one album's tracks: by id, then by place.

    Where both parts are equally long, the place is the position in the album, because a substitute has the
    track number of the album that it comes from. Otherwise it is the disc and track number, where it is
    unique.
    """
    pairs = pair_by_id([track.id for track in stored if track.id], listed)
    left = without_paired(listed, pairs)
    if len(stored) != len(listed):
        unpaired = [track for track in stored if track.id not in pairs]
        return pairs | _pair_by_key(unpaired, left, lambda track: track.place)
    is_left = {id(track) for track in left}
    for own, other in zip(stored, listed, strict=True):
        if own.id is not None and own.id not in pairs and id(other) in is_left:
            pairs[own.id] = other
    return pairs


def without_paired(listed: Sequence[ShownTrack], pairs: Pairs) -> list[ShownTrack]:
    """Return the listed tracks that are not paired. By identity: two entries may look the same."""
    paired = {id(track) for track in pairs.values()}
    return [track for track in listed if id(track) not in paired]


def _pair_by_isrc(stored: Sequence[ShownTrack], listed: Sequence[ShownTrack]) -> Pairs:
    return _pair_by_key(stored, listed, lambda track: track.isrc)


def _pair_by_key(
    stored: Sequence[ShownTrack],
    listed: Sequence[ShownTrack],
    key_of: Callable[[ShownTrack], Hashable | None],
) -> Pairs:
    """Pair the tracks whose key occurs once on each side."""
    stored_count, listed_count = Counter(map(key_of, stored)), Counter(map(key_of, listed))
    candidates = {key_of(track): track for track in listed}
    return {
        track.id: candidates[key]
        for track in stored
        if (key := key_of(track)) is not None and track.id and stored_count[key] == listed_count[key] == 1
    }


def _pair_by_name(stored: Sequence[ShownTrack], listed: Sequence[ShownTrack]) -> Pairs:
    """Pair by name and duration, where each of both tracks has no other candidate."""
    candidates = [[track for track in listed if _are_alike(own, track)] for own in stored]
    times_chosen = Counter(id(track) for tracks in candidates for track in tracks)
    return {
        own.id: tracks[0]
        for own, tracks in zip(stored, candidates, strict=True)
        if own.id is not None and len(tracks) == 1 and times_chosen[id(tracks[0])] == 1
    }


def _are_alike(one: ShownTrack, other: ShownTrack) -> bool:
    if one.name is None or one.name != other.name or one.duration_ms is None or other.duration_ms is None:
        return False
    return abs(one.duration_ms - other.duration_ms) <= SAME_DURATION_MS
