"""Generated lives, each exported twice by exports of other years and habits, and what should be told of them.

A life is some months of ten artists. Its two exports differ in what real ones differ in: uris, reasons and
offline times are missing or wrong, artists and titles have other names, one may know the minute alone, one
may leave out skips of 0 ms, and they overlap in part.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from typing import TYPE_CHECKING, Any, Literal

from extract.history import import_history
from tests.dbt.payloads import rows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from profiles.database import Database
    from profiles.session import Session

Kind = Literal["extended", "endsong", "one_year"]
Row = dict[str, Any]

ARTISTS = 10
FIRST_DAY = datetime(2012, 1, 2, tzinfo=UTC)
LIFE = timedelta(days=60)
COMMON_LENGTHS = (180_000, 200_000, 240_000)
TOLERANCE = timedelta(seconds=61)
SHORT_MS = 5_000
WORDS = (
    "amber",
    "birch",
    "cedar",
    "delta",
    "ember",
    "fjord",
    "grove",
    "heath",
    "inlet",
    "jetty",
    "karst",
    "lagoon",
)
LISTENS = """
    select
        coalesce(listens.title, tracks.title), listens.played_at, listens.ms_played, listens.undecided_about
    from analytics.listens
    left join intermediate.int_tracks as tracks on listens.track_id = tracks.track_id
    order by listens.undecided_about is not null, listens.played_at, listens.listen_id
"""


@dataclass(frozen=True)
class Song:
    """A song; exports of two times may call it, and its artist, by two names."""

    key: str
    length: int
    titles: tuple[str, str]
    artists: tuple[str, str]
    uris: tuple[str, str]


@dataclass(frozen=True)
class Stream:
    """A true stream. `uploaded_at`: made offline, and told then."""

    song: Song
    ended_at: datetime
    ms_played: int
    reason_end: str
    uploaded_at: datetime | None = None

    @property
    def told_at(self) -> datetime:
        """The end that exports tell."""
        return self.uploaded_at or self.ended_at


@dataclass(frozen=True)
class Habits:
    """How an export tells streams. `names`: 0 = those of its time, 1 = those of today."""

    kind: Kind
    names: int
    uris_missing: float
    has_reasons: bool
    offline_times: Literal["seconds", "milliseconds", "lost", "wrong"]
    has_skips_of_nothing: bool

    @property
    def tells_offline_times(self) -> bool:
        """Whether it says when a stream that was made offline began."""
        return self.kind != "one_year" and self.offline_times in ("seconds", "milliseconds")


@dataclass
class Life:
    """Streams of a life in time, what each export covers, and which of them tell a stream."""

    number: int
    streams: list[Stream]
    habits: tuple[Habits, Habits]
    covers: tuple[tuple[datetime, datetime], tuple[datetime, datetime]]
    shown_by: dict[int, set[int]] = field(default_factory=lambda: defaultdict(set))

    def export(self, which: int, rng: Random) -> list[Row]:
        """The rows of one of its exports; notes which streams it tells."""
        habits, (since, until) = self.habits[which], self.covers[which]
        told: dict[str, Row] = {}
        for number, stream in enumerate(self.streams):
            if not since <= stream.told_at < until or not (stream.ms_played or habits.has_skips_of_nothing):
                continue
            row = _row(stream, habits, rng)
            content = json.dumps(row)
            if content in told and habits.kind != "one_year":
                continue  # nobody can tell the two apart
            told[content if habits.kind != "one_year" else f"{number}"] = row
            self.shown_by[number].add(which)
        return list(told.values())

    def expected(self) -> Iterator[tuple[Stream, datetime]]:
        """Every stream that some export tells, and when it should be said to have ended."""
        for number, exports in self.shown_by.items():
            stream = self.streams[number]
            habits = [self.habits[which] for which in exports]
            knows_end = stream.uploaded_at is None or any(one.tells_offline_times for one in habits)
            yield stream, stream.ended_at if knows_end else stream.told_at


def live(number: int, seed: int) -> Life:
    """The life of that number: always the same for the same seed."""
    rng = Random(f"life {seed} {number}")
    begin = FIRST_DAY + number * (LIFE + timedelta(days=20))
    first, second = _habits(rng, 0), _habits(rng, 1)
    shares = rng.choice(((0.0, 1.0, 0.0, 1.0), (0.0, 0.8, 0.2, 1.0), (0.0, 0.6, 0.0, 1.0)))
    edges = [begin + timedelta(seconds=round(share * LIFE.total_seconds())) for share in shares]
    is_relinked = first.has_reasons and second.has_reasons
    songs = list(_songs(number, rng, is_relinked=is_relinked))
    covers = ((edges[0], edges[1]), (edges[2], edges[3]))
    return Life(number, list(_streams(begin, songs, rng)), (first, second), covers)


def _habits(rng: Random, names: int) -> Habits:
    kind: Kind = rng.choice(("extended", "extended", "endsong", "one_year"))
    return Habits(
        kind,
        names,
        uris_missing=1 if kind != "extended" else rng.choice((0, 0, 0.2, 1)),
        has_reasons=rng.random() < 0.7,
        offline_times=rng.choice(("seconds", "milliseconds", "lost", "wrong")),
        has_skips_of_nothing=rng.random() < 0.8,
    )


def _songs(life: int, rng: Random, *, is_relinked: bool) -> Iterator[Song]:
    for artist in range(ARTISTS):
        name = f"{rng.choice(WORDS)} {life} {artist}"
        artists = (name, f"the {rng.choice(WORDS)} {life} {artist} band" if rng.random() < 0.2 else name)
        for song in range(rng.randint(8, 14)):
            key = f"{life}-{artist}-{song}"
            title = f"{rng.choice(WORDS)} {key}"
            titles = (title, f"{rng.choice(WORDS)} {key} (new title)" if rng.random() < 0.1 else title)
            uri, other = (f"spotify:track:{_id(key + half)}" for half in ("", " again"))
            is_renamed = titles[0] != titles[1] or artists[0] != artists[1]  # another uri says: another track
            is_other = is_relinked and not is_renamed and rng.random() < 0.04
            yield Song(key, _length(rng), titles, artists, (uri, other if is_other else uri))


def _length(rng: Random) -> int:
    dice = rng.random()
    if dice < 0.05:
        return rng.randint(20_000, 50_000)
    return rng.choice(COMMON_LENGTHS) if dice < 0.2 else rng.randint(120_000, 330_000)


def _id(text: str) -> str:
    return hashlib.blake2b(text.encode(), digest_size=11).hexdigest()


def _streams(begin: datetime, songs: list[Song], rng: Random) -> Iterator[Stream]:
    for day in range(LIFE.days):
        clock = begin + timedelta(days=day, hours=6, seconds=rng.randrange(10 * 3600))
        is_offline = rng.random() < 0.12
        session: list[tuple[Song, datetime, int, str]] = []
        last: Song | None = None
        for _ in range(rng.randint(1, 13)):
            song = last if last and not is_offline and rng.random() < 0.1 else rng.choice(songs)
            if is_offline and any(song is each[0] for each in session):
                continue
            ms_played, reason = _played(song, rng, is_repeat=song is last)
            clock += timedelta(milliseconds=ms_played, seconds=rng.randint(1, 4))
            session.append((song, clock.replace(microsecond=0), ms_played, reason))
            last = song
        uploaded_at = (
            clock.replace(microsecond=0) + timedelta(hours=rng.randint(1, 5)) if is_offline else None
        )
        for song, ended_at, ms_played, reason in session:
            yield Stream(song, ended_at, ms_played, reason, uploaded_at)


def _played(song: Song, rng: Random, *, is_repeat: bool) -> tuple[int, str]:
    dice = rng.random()
    if dice < 0.7 or is_repeat:
        return song.length, "trackdone"
    if dice < 0.82:
        return 0, "fwdbtn"
    if dice < 0.92:
        return rng.randint(300, 4_999), "fwdbtn"
    return rng.randint(6_000, song.length - 1_000), "endplay"


def _row(stream: Stream, habits: Habits, rng: Random) -> Row:
    song, told_at = stream.song, stream.told_at
    names = {"artist": song.artists[habits.names], "title": song.titles[habits.names]}
    if habits.kind == "one_year":
        return {
            "endTime": told_at.strftime("%Y-%m-%d %H:%M"),
            "artistName": names["artist"],
            "trackName": names["title"],
            "msPlayed": stream.ms_played,
        }
    uri = None if rng.random() < habits.uris_missing else song.uris[habits.names]
    row = {
        "ts": told_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "ms_played": stream.ms_played,
        "master_metadata_track_name": names["title"],
        "master_metadata_album_artist_name": names["artist"],
        "spotify_track_uri": uri,
        "reason_start": "trackdone" if habits.has_reasons else "none",
        "reason_end": stream.reason_end if habits.has_reasons else "none",
        "skipped": None,
        "offline": stream.uploaded_at is not None,
        "offline_timestamp": _offline_timestamp(stream, habits),
    }
    if habits.kind == "endsong":
        del row["spotify_track_uri"]
        row["user_agent_decrypted"] = "unknown"
    return row


def _offline_timestamp(stream: Stream, habits: Habits) -> int | None:
    began = int((stream.ended_at - timedelta(milliseconds=stream.ms_played)).timestamp())
    if habits.offline_times == "lost" or stream.uploaded_at is None:
        return None
    if habits.offline_times == "wrong":
        return 42
    return began if habits.offline_times == "seconds" else began * 1000 + 846


def tell(session: Session, folder: Path, count: int, seed: int, build: Callable[[], object]) -> list[Life]:
    """Live so many lives, import the first exports of all, build, import the second ones, build."""
    lives = [live(number, seed) for number in range(count)]
    for which in (0, 1):
        target = folder / f"export-{which}"
        target.mkdir()
        for life in lives:
            told = life.export(which, Random(f"export {seed} {life.number} {which}"))
            stem = "StreamingHistory_music" if life.habits[which].kind == "one_year" else "endsong"
            (target / f"{stem}_{life.number}.json").write_text(json.dumps(told), encoding="utf-8")
        import_history(session, target)
        build()
    return lives


@dataclass
class Comparison:
    """What is told of these lives, beside the truth. Each true stream is paired with one listen at most."""

    lives: list[Life]
    database: Database
    missing: list[tuple[Stream, datetime]] = field(default_factory=list)
    misdated: list[Stream] = field(default_factory=list)
    doubled: list[tuple[Any, ...]] = field(default_factory=list)
    invented: list[tuple[Any, ...]] = field(default_factory=list)
    undecided: Counter[str] = field(default_factory=Counter)
    surplus: Counter[str] = field(default_factory=Counter)
    true: int = 0
    found: int = 0
    told_twice: int = 0

    def __post_init__(self) -> None:
        """Pair them."""
        keys = {
            title: stream.song.key
            for life in self.lives
            for stream in life.streams
            for title in stream.song.titles
        }
        told = defaultdict(list)
        for title, played_at, ms_played, about in rows(self.database, LISTENS):
            told[keys[title], ms_played].append((played_at, about))
            self.found += 1
            if about:
                self.undecided[about] += 1
        true = defaultdict(list)
        for life in self.lives:
            self.told_twice += sum(len(exports) > 1 for exports in life.shown_by.values())
            for stream, ended_at in life.expected():
                true[stream.song.key, stream.ms_played].append((ended_at, stream))
                self.true += 1
        for key in true.keys() | told.keys():
            self._pair(key, sorted(true[key], key=lambda one: one[0]), told[key])

    def _pair(self, key: tuple[str, int], true: list[Any], told: list[tuple[datetime, str | None]]) -> None:
        rest = list(told)
        for ended_at, stream in true:
            near = [one for one in rest if _is_near(one[0], ended_at)]
            if not near:
                late = [one for one in rest if stream.uploaded_at and _is_near(one[0], stream.uploaded_at)]
                if not late:
                    self.missing.append((stream, ended_at))
                    continue
                self.misdated.append(stream)
                near = late
            rest.remove(near[0])
        ends = [moment for ended_at, stream in true for moment in (ended_at, stream.told_at)]
        for played_at, about in rest:
            if about:
                self.surplus["short" if key[1] < SHORT_MS else "shared"] += 1
            elif any(_is_near(played_at, end) for end in ends):
                self.doubled.append((*key, played_at))
            else:
                self.invented.append((*key, played_at))

    def figures(self) -> dict[str, int]:
        """The table, by what is counted."""
        return {
            "artists": ARTISTS * len(self.lives),
            "true streams": self.true,
            "told by both exports": self.told_twice,
            "found": self.found,
            "undecided": self.undecided.total(),
            **{f"  about its {about}": count for about, count in sorted(self.undecided.items())},
            "  of them twice: renamed, shorter than 5 s": self.surplus["short"],
            "  of them twice: renamed, a length of several": self.surplus["shared"],
            "missing": len(self.missing),
            "told at another time": len(self.misdated),
            "invented": len(self.invented),
            "doubled": len(self.doubled),
        }


def _is_near(played_at: datetime, ended_at: datetime) -> bool:
    return abs(played_at - ended_at) < TOLERANCE
