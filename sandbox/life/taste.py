"""The owner's taste, and the choice of tracks for a session."""

from __future__ import annotations

import zlib
from bisect import bisect
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Collection
    from random import Random

    from sandbox.account.account import Account
    from sandbox.account.model import Track

INDIFFERENT: Final = 0.3


@lru_cache(maxsize=65_536)
def affinity(seed: int, identifier: str) -> float:
    """Return how much the owner likes a track or an album, from 0 to 1. Most values lie in the middle."""
    first, second = (zlib.crc32(f"{seed}{identifier}{word}".encode()) / 2**32 for word in ("a", "b"))
    return (first + second) / 2


@dataclass(frozen=True)
class Taste:
    """The owner's taste on one day.

    `cumulated_weights` has one number for each id in `artists`: the sum of the weights up to and including
    it. `tracks_by_artist` holds the ids of the whole catalogue by first artist.
    """

    seed: int
    artists: list[str]
    cumulated_weights: list[float]
    fashionable_artists: Collection[str]
    tracks_by_artist: dict[str, list[str]]


class SessionQueue:
    """Chooses the tracks of one session. `mode` is one of `likes`, `album`, `artist` and `discover`."""

    def __init__(self, account: Account, taste: Taste, mode: str, rng: Random) -> None:
        self.account = account
        self.taste = taste
        self.mode = mode
        self.rng = rng

    def tracks(self) -> list[Track]:
        """Return the tracks of the session in the order in which they are played."""
        ids: list[str] = []
        length = self.rng.randint(5, 24)
        if self.mode == "album":
            ids = self._album(length)
        elif self.mode == "artist":
            ids = self._best_of(self._artist(), length)
        elif self.mode == "likes" and self.account.likes:
            ids = self._likes(length)
        else:
            for _ in range(length):
                ids += self._best_of(self.rng.choice(list(self.account.artists)), 1)
        return [self.account.tracks[track_id] for track_id in ids]

    def _artist(self) -> str:
        artists, weights = self.taste.artists, self.taste.cumulated_weights
        place = bisect(weights, self.rng.random() * weights[-1])
        return artists[min(place, len(artists) - 1)]

    def _likes(self, length: int) -> list[str]:
        """Return liked tracks at random. Loved tracks and fashionable artists come up more often."""
        chosen: list[str] = []
        liked = self.account.liked_ids
        for _ in range(length * 4):
            track_id = self.rng.choice(liked)
            artist_id = self.account.tracks[track_id].artist_ids[0]
            bonus = 0.35 if artist_id in self.taste.fashionable_artists else 0.0
            love = self._love(track_id)
            # some likes were accepted with a shared list or are long outgrown: these are never played
            if love > INDIFFERENT and self.rng.random() < love**2 + bonus:
                chosen.append(track_id)
            if len(chosen) == length:
                break
        return chosen

    def _album(self, length: int) -> list[str]:
        """Return the first tracks of an album, more often of a saved one.

        Few albums are heard to their end.
        """
        saved = self.account.saved_album_ids
        if saved and self.rng.random() < 0.6:  # noqa: PLR2004
            # a few saved albums are played very often, others never
            album_id = max(self.rng.sample(saved, min(7, len(saved))), key=self._love)
        else:
            tracks = self.taste.tracks_by_artist.get(self._artist())
            if not tracks:
                return []
            album_id = self.account.tracks[self.rng.choice(tracks)].album_id
        heard = self.rng.randint(2, 8) if self._love(album_id) < 0.55 else length  # noqa: PLR2004
        return self.account.albums[album_id].track_ids[:heard]

    def _love(self, identifier: str) -> float:
        return affinity(self.taste.seed, identifier)

    def _best_of(self, artist_id: str, length: int) -> list[str]:
        tracks = self.taste.tracks_by_artist.get(artist_id, [])
        if not tracks:
            return []
        # the third power makes an artist's best songs play many times as often as the rest
        weights = [self._love(track_id) ** 3 + 0.01 for track_id in tracks]
        return self.rng.choices(tracks, weights, k=length)
