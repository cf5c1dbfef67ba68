"""Builds accounts for tests: a small one that shows every oddity, and plain libraries of any size."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from sandbox.account.account import Account, real_now
from sandbox.account.ids import readable_id
from sandbox.account.model import Album, Artist, Entry, Episode, Like, Playlist, SavedAlbum, Track

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

LONG_ALBUM_TRACKS = 75
SMALL_TITLES = (
    "Paper Lanterns",
    'Don\'t Look "Up"',
    "100% Rain_Song",
    "Back\\slash Blues",
    "Ночной трамвай",
    "שיר של ערב",
    "Sunrise 🌅",
    "A Very Ordinary Song",
    "A Very Ordinary Song - 2011 Remaster",
    "Not Here Any More",
    "Moved House",
    "Instrumental No. 4",
)


def add_simple_album(
    account: Account,
    number: int,
    titles: Sequence[str],
    *,
    artist: Artist | None = None,
    name: str | None = None,
    release_date: str = "2020-01-01",
) -> Album:
    """Add an album with these tracks and return it. Ids contain `number`.

    Without `artist` a new one is added.
    """
    if artist is None:
        artist = account.add_artist(Artist(readable_id("Artist", number), f"Artist {number}", ["indie pop"]))
    album = Album(
        readable_id("Album", number),
        name or f"Album {number}",
        [artist.id],
        release_date=release_date,
        upc=f"{number:012d}",
    )
    tracks = [
        Track(
            readable_id("Track", number * 1000 + place),
            title,
            album.id,
            [artist.id],
            duration_ms=150_000 + (number * 7919 + place * 104_729) % 150_000,
            isrc=f"XX{number:06d}{place:04d}",
            track_number=place,
        )
        for place, title in enumerate(titles, 1)
    ]
    return account.add_album(album, tracks)


def small_account() -> Account:
    """Return an account with twelve tracks, eleven likes, one saved album, two playlists and six plays.

    The tracks are 1001–1008 and 2001–2004. All but 2004 are liked; 2003 is the newest like. With `market`,
    2002 is unplayable and 2003 is relinked to 2004. 1008 and 2001 are one recording. Album 1 is saved. The
    playlist `Mixed Bag` holds a local file, an episode, a null item and a track that occurs twice. `For
    Later` holds 2003 and 2004.
    """
    account = Account()
    now = account.now.replace(microsecond=0)
    first = account.add_artist(Artist(readable_id("Artist", 1), "The Ink & Feathers", ["indie pop", "folk"]))
    second = account.add_artist(Artist(readable_id("Artist", 2), "Guns N' Thimbles", ["rock"]))
    one = add_simple_album(account, 1, SMALL_TITLES[:8], artist=first, name="Small Hours")
    two = add_simple_album(
        account, 2, SMALL_TITLES[8:], artist=second, name="O'Clock", release_date="1998-05"
    )
    ids = [*one.track_ids, *two.track_ids]
    account.tracks[ids[9]].is_playable = False
    account.tracks[ids[10]].relinked_to = ids[11]
    account.tracks[ids[8]].isrc = account.tracks[ids[7]].isrc
    for place, track_id in enumerate(ids[:11]):
        account.like(track_id, now - timedelta(days=110 - 10 * place))
    account.save_album(one.id, now - timedelta(days=60))
    episode = account.add_episode(Episode(readable_id("Episode", 1), "On Knots", "The String Hour"))
    uris = [f"spotify:track:{track_id}" for track_id in ids]
    local = "spotify:local:Neighbour:Garage+Tapes:Take+3:123"
    account.add_playlist(
        "Mixed Bag",
        [uris[0], local, episode.uri, None, uris[1], uris[0]],
        id=readable_id("Playlist", 1),
        description='Odds & "ends"',
        at=now - timedelta(days=50),
    )
    account.add_playlist("For Later", uris[10:], id=readable_id("Playlist", 2), at=now - timedelta(days=20))
    for hours, track_id in zip((50, 49, 26, 25, 3, 2), ids, strict=False):
        account.play(track_id, now - timedelta(hours=hours))
    account.mark_stored()
    return account


def library_of(
    likes: int = 100,
    albums: int = 10,
    long_albums: int = 0,
    playlists: int = 0,
    *,
    playlist_entries: int = 100,
    plays: int = 0,
    tracks_per_album: int = 10,
    now: datetime | None = None,
) -> Account:
    """Return an account with a plain library of this size.

    Likes are one minute apart, and no liked track is on a saved album. `albums` is the number of saved
    albums; `long_albums` of them have 75 tracks. Each playlist holds `playlist_entries` of the liked tracks
    in turn, or of the albums' tracks if nothing is liked. Plays are three minutes apart; the latest is just
    before now.
    """
    account = Account()
    base = (now or real_now()).replace(microsecond=0)
    if now is not None:
        account.clock.is_ticking = False
        account.clock.move_to(base)
    liked_albums = -(-likes // tracks_per_album)
    liked: list[str] = []
    for number in range(1, liked_albums + 1):
        titles = [f"Liked song {number}-{place}" for place in range(1, tracks_per_album + 1)]
        liked += add_simple_album(account, number, titles).track_ids
    liked = liked[:likes]
    account.likes = [
        Like(track_id, base - timedelta(minutes=place + 1)) for place, track_id in enumerate(liked)
    ]
    for place in range(albums):
        number = 500_000 + place
        length = LONG_ALBUM_TRACKS if place < long_albums else tracks_per_album
        album = add_simple_album(account, number, [f"Album song {place}-{at}" for at in range(1, length + 1)])
        account.saved_albums.append(SavedAlbum(album.id, base - timedelta(hours=place + 1)))
    pool = [f"spotify:track:{one}" for one in liked or account.tracks]
    _add_playlists(account, pool, playlists, playlist_entries, base)
    for place in range(plays):
        account.play(pool[place % len(pool)], base - timedelta(minutes=3 * (plays - place)))
    account.mark_stored()
    return account


def _add_playlists(account: Account, pool: list[str], count: int, length: int, now: datetime) -> None:
    for number in range(1, count + 1):
        added_at = now - timedelta(days=count - number + 1)
        entries = [
            Entry(pool[(number + place) % len(pool)], added_at, account.profile.id) for place in range(length)
        ]
        playlist = Playlist(
            readable_id("Playlist", number), f"Playlist {number}", account.profile.id, entries
        )
        playlist.remember()
        account.playlists[playlist.id] = playlist
