"""Builds a realistic account: three years of one person's listening. The demo runs on it."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from random import Random
from typing import Final

from sandbox.account.account import Account, real_now
from sandbox.account.ids import opaque_id
from sandbox.account.model import Entry, Like, SavedAlbum
from sandbox.life.life import DAY, Life
from sandbox.life.taste import INDIFFERENT, affinity
from sandbox.life.world import World

# the catalogue is the same whenever the account begins; later releases are events of its life
WORLD_DAY: Final = date(2023, 11, 1)
FIRST_LIKES: Final = 450
FIRST_WHIMS: Final = 90
FIRST_ALBUMS: Final = 60
LOVED: Final = 0.45


def realistic_account(
    seed: int = 7, *, years: float = 3.0, weeks_behind: float = 0.0, now: datetime | None = None
) -> Account:
    """Return an account with about 1,200 likes, 90 albums and `years` of listening.

    Its time is `weeks_behind` weeks before now and stands still until `advance` moves it. Moving it gives the
    same account as asking for a later end in the first place.
    """
    end = (now or real_now()).replace(microsecond=0)
    born = (end - timedelta(days=365 * years)).replace(hour=0, minute=0, second=0)
    account = Account()
    account.clock.is_ticking = False
    account.clock.move_to(born)
    World(account, seed, min(WORLD_DAY, born.date())).build()
    life = Life(seed, born)
    rng = Random(f"beginning {seed}")
    _find_favourites(account, life, rng)
    _fill_library(account, life, rng, born)
    _add_playlists(account, rng, born)
    account.life = life
    account.advance_to(end - timedelta(weeks=weeks_behind))
    account.mark_stored()
    return account


def _find_favourites(account: Account, life: Life, rng: Random) -> None:
    artists = list(account.artists)
    rng.shuffle(artists)
    for rank, artist_id in enumerate(artists[:85], 1):
        life.known[artist_id] = 8 / rank**0.75 * rng.uniform(0.6, 1.5)


def _fill_library(account: Account, life: Life, rng: Random, born: datetime) -> None:
    """Fill the library at the beginning: likes of five years, some of them many in one second."""
    loved = [
        track.id
        for track in account.tracks.values()
        if track.artist_ids[0] in life.known and affinity(life.seed, track.id) > LOVED
    ]
    others = [track_id for track_id in account.tracks if affinity(life.seed, track_id) < INDIFFERENT]
    chosen = rng.sample(loved, min(FIRST_LIKES, len(loved))) + rng.sample(
        others, min(FIRST_WHIMS, len(others))
    )
    rng.shuffle(chosen)
    moments = [born - timedelta(seconds=rng.randrange(5 * 365 * 86_400)) for _ in chosen]
    for first, last in ((0, 90), (90, 130), (130, 145)):
        moments[first:last] = [moments[first]] * (last - first)
    account.likes = sorted(
        (Like(track_id, moment) for track_id, moment in zip(chosen, moments, strict=True)),
        key=lambda like: like.added_at,
        reverse=True,
    )
    albums = [one for one in account.albums.values() if one.album_type == "album"]
    long_ones = [one for one in albums if len(one.track_ids) > 50]  # noqa: PLR2004
    wanted = [*long_ones[:4], *rng.sample([one for one in albums if one not in long_ones], FIRST_ALBUMS - 4)]
    account.saved_albums = sorted(
        (SavedAlbum(one.id, born - timedelta(seconds=rng.randrange(5 * 365 * 86_400))) for one in wanted),
        key=lambda saved: saved.added_at,
        reverse=True,
    )


def _add_playlists(account: Account, rng: Random, born: datetime) -> None:
    """Add playlists of the user, with every kind of entry, and some playlists of other people."""
    uris: list[str | None] = [f"spotify:track:{track_id}" for track_id in account.liked_ids]
    collected = account.add_playlist("Keepers", uris[:40], at=born - 300 * DAY)
    account.edit_playlist(collected.id, [*collected.uris, *uris[40:60]])
    mixed = account.add_playlist('Kitchen "Radio" 🍳', uris[60:90], at=born - 200 * DAY)
    mixed.entries += [
        Entry("spotify:local:Our+Band:Rehearsal+Tape:Take+7:245", born - 190 * DAY, account.profile.id),
        Entry("spotify:local:::Voice+Memo:31", born - 190 * DAY, account.profile.id),
        Entry(next(iter(account.episodes.values())).uri, born - 180 * DAY, account.profile.id),
        Entry(None, born - 170 * DAY, account.profile.id),
        Entry(uris[60], born - 160 * DAY, account.profile.id),
        Entry(uris[61], None, None),
        Entry(uris[62], born - 150 * DAY, ""),
    ]
    account.add_playlist("Long Drive", rng.choices(uris, k=430), at=born - 100 * DAY)
    account.add_playlist(
        "Long Drive", uris[100:110], at=born - 90 * DAY, description="the short one; 100% <b>"
    )
    account.add_playlist("Empty", [], at=born - 80 * DAY)
    together = account.add_playlist(
        "Flat 4 Party", uris[120:160], owner_id="flatmate", is_collaborative=True, at=born - 70 * DAY
    )
    together.entries = [
        Entry(one.uri, one.added_at, rng.choice(("flatmate", account.profile.id))) for one in together.entries
    ]
    every = [f"spotify:track:{track_id}" for track_id in account.tracks]
    account.add_playlist("Somebody's Finds", rng.sample(every, 60), owner_id="somebody", at=born - 60 * DAY)
    account.add_playlist(
        "Your Weekly Mix",
        rng.sample(every, 30),
        id=opaque_id("weekly"),
        owner_id="spotify",
        at=born - 50 * DAY,
    )
