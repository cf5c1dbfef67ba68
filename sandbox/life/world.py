"""Builds a believable catalogue: artists, albums, and several editions of one recording.

One recording (one ISRC) may be on an album, its deluxe edition, a single and a compilation. Remasters and
clean versions have ISRCs of their own. Some editions are replaced by others, and some tracks are unavailable.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from random import Random
from typing import TYPE_CHECKING, Final

from sandbox.account.ids import opaque_id
from sandbox.account.model import Album, Artist, Episode, Track
from sandbox.life.names import Names

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sandbox.account.account import Account

GENRES: Final = (
    ("indie pop", "dream pop", "bedroom pop"),
    ("folk", "freak folk", "singer-songwriter"),
    ("techno", "minimal techno", "dub techno"),
    ("hip hop", "boom bap", "jazz rap"),
    ("jazz", "spiritual jazz", "jazz fusion"),
    ("ambient", "drone", "modern classical"),
    ("rock", "art rock", "post-punk"),
    ("soul", "neo soul", "funk"),
    ("metal", "doom metal", "post-metal"),
    ("electronica", "downtempo", "idm"),
)
CLEAN_GENRE: Final = "hip hop"
LABELS: Final = ("Sandbox Records", "Small Hours", "Rook & Daughters", "Saltmarsh", "Ninth Tram")
LONG_ALBUM_SIZES: Final = (52, 58, 64, 75, 101, 130)
FIRST_REMASTERED_BEFORE: Final = 1998


@dataclass
class World:
    """Adds a catalogue to an account. The same seed adds the same catalogue."""

    account: Account
    seed: int
    today: date
    rng: Random = field(init=False)
    names: Names = field(init=False)
    recordings: int = 0

    def __post_init__(self) -> None:
        self.rng = Random(f"world {self.seed}")
        self.names = Names(self.rng)

    def build(self, artists: int = 170) -> None:
        """Fill the catalogue with about 25 tracks per artist."""
        made = [self.add_artist() for _ in range(artists)]
        for artist in made:
            for _ in range(min(6, 1 + int(self.rng.expovariate(0.75)))):
                self.add_album_with_editions(artist)
        for size in LONG_ALBUM_SIZES:
            self.add_album(self.rng.choice(made), size, name=f"The Complete {self.names.album()}")
        for number in range(1, 4):
            self.add_compilation(f"{self.names.album()}, Vol. {number}")
        self.make_some_unavailable()
        for number in range(1, 7):
            name = f"#{number} {self.names.title()}"
            show = "The String Hour" if number % 2 else "Knots & Bolts"
            episode_id = opaque_id(self.seed, "episode", number)
            self.account.add_episode(Episode(episode_id, name, show, self.rng.randint(20, 70) * 60_000))

    # -- artists and albums

    def add_artist(self) -> Artist:
        """Add an artist with related genres, or with none."""
        family = self.rng.choice(GENRES)
        genres = [family[0], *self.rng.sample(family[1:], self.rng.randint(0, 2))]
        if self.rng.random() < 0.1:  # noqa: PLR2004
            genres = []
        popularity = int(90 * self.rng.random() ** 2)
        artist = Artist(
            opaque_id(self.seed, "artist", len(self.account.artists)),
            self.names.artist(),
            genres,
            popularity,
            popularity**3,
        )
        return self.account.add_artist(artist)

    def add_album_with_editions(self, artist: Artist) -> Album:
        """Add an album, and at random a single, a deluxe edition, a remaster or a clean version of it."""
        album = self.add_album(artist, self.rng.choice((4, 5, 7, 8, 9, 10, 10, 11, 11, 12, 12, 13, 14)))
        chance = self.rng.random
        if chance() < 0.4:  # noqa: PLR2004
            self.add_single(album)
        if chance() < 0.12:  # noqa: PLR2004
            self.add_deluxe(album)
        if int(album.release_date[:4]) < FIRST_REMASTERED_BEFORE and chance() < 0.5:  # noqa: PLR2004
            self.add_remaster(album)
        if CLEAN_GENRE in artist.genres and chance() < 0.5:  # noqa: PLR2004
            self.add_clean(album)
        return album

    def add_album(
        self, artist: Artist, size: int, *, name: str | None = None, released: date | None = None
    ) -> Album:
        """Add an album of new recordings. Up to five tracks make it a single."""
        album = self._empty_album(name or self.names.album(), [artist.id], released or self._past_day())
        album.album_type = "single" if size <= 5 else "album"  # noqa: PLR2004
        is_explicit = CLEAN_GENRE in artist.genres
        pace = self.rng.gauss(215, 35)
        tracks = []
        for place in range(1, size + 1):
            artist_ids = [artist.id]
            if self.rng.random() < 0.1:  # noqa: PLR2004
                guest = self.rng.choice(list(self.account.artists))
                artist_ids += [guest] if guest != artist.id else []
            title = self.names.title()
            if self.rng.random() < 0.04:  # noqa: PLR2004
                title = f"{title} - {self.names.version()}"
            length_s = max(35.0, self.rng.gauss(pace, 45))
            track = self._track(album, title, artist_ids, int(length_s * 1000), place)
            track.explicit = is_explicit and self.rng.random() < 0.6  # noqa: PLR2004
            tracks.append(track)
        return self.account.add_album(album, tracks)

    def _past_day(self) -> date:
        # most albums are recent, some are half a century old
        years = min(55.0, self.rng.expovariate(1 / 11))
        return self.today - timedelta(days=int(years * 365) + self.rng.randint(20, 300))

    def _empty_album(self, name: str, artist_ids: list[str], released: date) -> Album:
        number = len(self.account.albums)
        text = released.isoformat()
        if released.year < 1990:  # noqa: PLR2004
            text = text[: self.rng.choice((4, 4, 7, 10))]
        return Album(
            opaque_id(self.seed, "album", number),
            name,
            artist_ids,
            release_date=text,
            label=self.rng.choice(LABELS),
            popularity=self.rng.randint(0, 80),
            upc=f"4{number:012d}",
        )

    def _track(self, album: Album, title: str, artist_ids: list[str], duration_ms: int, place: int) -> Track:
        self.recordings += 1
        year = int(album.release_date[2:4])
        return Track(
            opaque_id(self.seed, "track", self.recordings),
            title,
            album.id,
            artist_ids,
            duration_ms,
            f"QZSB{year:02d}{self.recordings:06d}",
            track_number=place,
            popularity=int(80 * self.rng.random() ** 2),
        )

    # -- other editions

    def _copy(self, track: Track, album: Album, place: int, *, has_own_isrc: bool = False) -> Track:
        self.recordings += 1
        isrc = f"QZSC{album.release_date[2:4]}{self.recordings:06d}" if has_own_isrc else track.isrc
        return replace(
            track,
            id=opaque_id(self.seed, "track", self.recordings),
            album_id=album.id,
            isrc=isrc,
            disc_number=1,
            track_number=place,
            # one recording differs by up to 0.9 s between editions
            duration_ms=track.duration_ms + self.rng.randint(-900, 900),
        )

    def _tracks_of(self, album: Album) -> list[Track]:
        return [self.account.tracks[track_id] for track_id in album.track_ids]

    def _later(self, album: Album, days: int) -> date:
        text = (album.release_date + "-06-15"[len(album.release_date) - 4 :])[:10]
        return min(date.fromisoformat(text) + timedelta(days=days), self.today - timedelta(days=1))

    def add_single(self, album: Album) -> Album:
        """Add a single with one of the album's tracks, released 40 days before the album."""
        single = self._empty_album(album.name, album.artist_ids, self._later(album, -40))
        single.album_type = "single"
        track = self.rng.choice(self._tracks_of(album))
        single.name = track.name
        return self.account.add_album(single, [self._copy(track, single, 1)])

    def add_deluxe(self, album: Album) -> Album:
        """Add a deluxe edition: the album's tracks, and a second disc with other versions."""
        deluxe = self._empty_album(
            f"{album.name} (Deluxe Edition)", album.artist_ids, self._later(album, 300)
        )
        tracks = [self._copy(track, deluxe, place) for place, track in enumerate(self._tracks_of(album), 1)]
        for place in range(1, self.rng.randint(4, 8)):
            base = self.rng.choice(self._tracks_of(album))
            title = f"{base.name} - {self.names.version()}"
            bonus = self._track(deluxe, title, base.artist_ids, base.duration_ms + 11_000, place)
            tracks.append(replace(bonus, disc_number=2))
        return self.account.add_album(deluxe, tracks)

    def add_remaster(self, album: Album) -> Album:
        """Add a remaster of the album. Every second one replaces the old edition."""
        year = self.rng.choice((2009, 2011, 2015, 2019))
        remaster = self._empty_album(f"{album.name} (Remastered)", album.artist_ids, date(year, 9, 4))
        tracks = []
        for place, track in enumerate(self._tracks_of(album), 1):
            copy = self._copy(track, remaster, place, has_own_isrc=True)
            copy.name = f"{track.name} - {year} Remaster"
            tracks.append(copy)
        self.account.add_album(remaster, tracks)
        if self.rng.random() < 0.5:  # noqa: PLR2004
            for old, new in zip(self._tracks_of(album), tracks, strict=True):
                old.is_playable = False
                old.relinked_to = new.id if self.rng.random() < 0.6 else None  # noqa: PLR2004
        return remaster

    def add_clean(self, album: Album) -> Album:
        """Add a clean version of the album: explicit tracks become new recordings that are not explicit."""
        clean = self._empty_album(album.name, album.artist_ids, self._later(album, 0))
        tracks = []
        for place, track in enumerate(self._tracks_of(album), 1):
            copy = self._copy(track, clean, place, has_own_isrc=track.explicit)
            copy.explicit = False
            tracks.append(copy)
        return self.account.add_album(clean, tracks)

    def add_compilation(self, name: str) -> Album:
        """Add a compilation of 18 recordings by different artists."""
        various = self.account.artists.get(opaque_id(self.seed, "various")) or self.account.add_artist(
            Artist(opaque_id(self.seed, "various"), "Various Artists")
        )
        album = self._empty_album(name, [various.id], self._past_day())
        album.album_type = "compilation"
        chosen = self.rng.sample(list(self.account.tracks.values()), 18)
        return self.account.add_album(
            album, [self._copy(track, album, place) for place, track in enumerate(chosen, 1)]
        )

    def make_some_unavailable(self) -> None:
        """Make some tracks unplayable, remove a few from Spotify, and take one album down."""
        for track in self._every(self.account.tracks.values(), 90):
            track.is_playable = False
            track.restriction = self.rng.choice(("market", "market", "market", "product", "explicit"))
        for track in self._every(self.account.tracks.values(), 700):
            track.is_playable, track.is_gone = False, True
        taken_down = self.rng.choice(list(self.account.albums.values()))
        taken_down.name = ""
        for track in self._tracks_of(taken_down):
            track.is_playable = False

    def _every(self, tracks: Iterable[Track], nth: int) -> list[Track]:
        return [track for track in tracks if self.rng.randrange(nth) == 0]
