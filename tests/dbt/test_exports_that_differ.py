"""Streams that several exports hold in different forms: each case has days of its own in one database."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import md5
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from extract.history import import_history
from tests.conftest import temporary_database
from tests.dbt.conftest import Warehouse
from tests.dbt.lives import session_on
from tests.dbt.payloads import Raw, execute, rows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from extract.history import ImportReport
    from profiles.database import Database

pytestmark = pytest.mark.slow

Row = dict[str, Any]
FIRST_DAY = datetime(2019, 1, 1, 10, tzinfo=UTC)
DAYS_APART = 40
LENGTH = 200_000
SONGS = 5


class Told(NamedTuple):
    """What the warehouse should count for a case."""

    plays: int
    undecided: int = 0
    listens: int | None = None


@dataclass
class Day:
    """The day of a case, and rows of it in the form of each kind of export."""

    begin: datetime
    case: str
    artist: str = ""
    uris: dict[int, str] = field(default_factory=dict)

    def at(self, number: int, seconds: float = 0) -> datetime:
        """When the song of that number ended: they are heard one after the other."""
        return self.begin + timedelta(minutes=7 * number, seconds=13 + seconds)

    def extended(self, number: int, seconds: float = 0, **changes: Any) -> Row:
        """The row as today's extended exports have it."""
        ended = self.at(number, seconds)
        return {
            "ts": ended.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "platform": "ios",
            "ms_played": LENGTH,
            "conn_country": "DE",
            "ip_addr": "192.0.2.1",
            "master_metadata_track_name": f"{self.case} song {number}",
            "master_metadata_album_artist_name": f"{self.case} artist",
            "master_metadata_album_album_name": "Album",
            "spotify_track_uri": self.uri(number),
            "audiobook_title": None,
            "reason_start": "trackdone",
            "reason_end": "trackdone",
            "shuffle": False,
            "skipped": False,
            "offline": False,
            "offline_timestamp": int(ended.timestamp()),
            "incognito_mode": False,
        } | changes

    def endsong(self, number: int, seconds: float = 0, **changes: Any) -> Row:
        """The row as extended exports of 2020 have it: without the uri."""
        row = self.extended(number, seconds)
        del row["spotify_track_uri"], row["audiobook_title"]
        return row | {"skipped": None, "offline_timestamp": row["offline_timestamp"] * 1000 + 846} | changes

    def one_year(self, number: int, seconds: float = 0, **changes: Any) -> Row:
        """The row as one-year data has it."""
        return {
            "endTime": self.at(number, seconds).strftime("%Y-%m-%d %H:%M"),
            "artistName": f"{self.case} artist",
            "trackName": f"{self.case} song {number}",
            "msPlayed": LENGTH,
        } | changes

    def uri(self, number: int) -> str:
        """The uri of a song of this case."""
        return f"spotify:track:{md5(self.case.encode(), usedforsecurity=False).hexdigest()[:16]}{number:06d}"

    def songs(self, row_of: Callable[..., Row], **changes: Any) -> list[Row]:
        """Five songs; `row_of` makes the row of each."""
        return [row_of(number, **changes) for number in range(SONGS)]


Files = list[list[Row]]
Case = tuple["Callable[[Day], Files]", Told]
CASES: dict[str, Case] = {}


def case(told: Told) -> Callable[[Callable[[Day], Files]], Callable[[Day], Files]]:
    """A case: a function that returns the rows of the first, the second and perhaps a third export."""

    def add(make: Callable[[Day], Files]) -> Callable[[Day], Files]:
        CASES[make.__name__] = (make, told)
        return make

    return add


NO_URI: Row = {"spotify_track_uri": None}
OLD_ARTIST: Row = {"master_metadata_album_artist_name": "Kanal Ost"}
NO_REASONS: Row = {"reason_start": "none", "reason_end": "none"}


@case(Told(5))
def an_export_without_uris(day: Day) -> Files:
    return [day.songs(day.endsong), day.songs(day.extended)]


@case(Told(5))
def an_export_without_uris_that_comes_second(day: Day) -> Files:
    return [day.songs(day.extended), day.songs(day.endsong)]


@case(Told(5))
def an_export_whose_uris_are_null(day: Day) -> Files:
    return [day.songs(day.extended), day.songs(day.extended, **NO_URI)]


@case(Told(5))
def an_export_without_the_reason_of_the_end(day: Day) -> Files:
    return [day.songs(day.extended), day.songs(day.extended, reason_end="none")]


@case(Told(5))
def an_export_without_reasons_that_comes_first(day: Day) -> Files:
    return [day.songs(day.extended, **NO_REASONS), day.songs(day.extended)]


@case(Told(5))
def an_export_with_other_reasons(day: Day) -> Files:
    return [
        day.songs(day.extended, reason_start="clickrow"),
        day.songs(day.extended, reason_start="playbtn", reason_end="endplay"),
    ]


@case(Told(5))
def an_artist_renamed_since_the_one_year_data(day: Day) -> Files:
    return [day.songs(day.one_year, artistName="Kanal Ost"), day.songs(day.extended)]


@case(Told(5))
def an_artist_renamed_before_the_one_year_data(day: Day) -> Files:
    return [day.songs(day.extended), day.songs(day.one_year, artistName="Kanal Ost")]


@case(Told(5))
def a_title_renamed(day: Day) -> Files:
    return [
        [day.one_year(number, trackName=f"Old title {number}") for number in range(SONGS)],
        day.songs(day.extended),
    ]


@case(Told(5))
def a_title_renamed_between_two_files_of_one_year(day: Day) -> Files:
    return [
        [day.one_year(number, trackName=f"Other title {number}") for number in range(SONGS)],
        day.songs(day.one_year),
    ]


@case(Told(5))
def an_artist_renamed_between_two_files_of_one_year(day: Day) -> Files:
    return [day.songs(day.one_year, artistName="Kanal Ost"), day.songs(day.one_year)]


@case(Told(5))
def names_renamed_and_no_uri(day: Day) -> Files:
    return [day.songs(day.endsong, **OLD_ARTIST), day.songs(day.extended)]


@case(Told(5))
def an_artist_renamed_that_both_tell_with_uris(day: Day) -> Files:
    return [day.songs(day.extended, **OLD_ARTIST, **NO_REASONS), day.songs(day.extended)]


@case(Told(5))
def titles_that_differ_in_case_accents_and_guests(day: Day) -> Files:
    return [
        [day.one_year(number, trackName=f"ÉTÉ {number} (feat. Somebody)") for number in range(SONGS)],
        [day.one_year(number, trackName=f"Été {number} - feat. Somebody") for number in range(SONGS)],
        [day.extended(number, master_metadata_track_name=f"Ete {number}") for number in range(SONGS)],
    ]


@case(Told(5))
def three_exports_that_all_differ(day: Day) -> Files:
    return [
        day.songs(day.one_year, artistName="Kanal Ost"),
        day.songs(day.endsong, **NO_REASONS),
        day.songs(day.extended),
    ]


@case(Told(5))
def a_third_export_that_overlaps_both(day: Day) -> Files:
    return [
        day.songs(day.endsong)[:3],
        day.songs(day.one_year, artistName="Kanal Ost")[2:],
        day.songs(day.extended),
    ]


@case(Told(7))
def exports_that_overlap_in_part(day: Day) -> Files:
    return [
        [day.endsong(number) for number in range(5)],
        [day.extended(number) for number in range(3, 7)],
    ]


@case(Told(5))
def an_offline_time_that_one_lacks(day: Day) -> Files:
    def offline(number: int, **changes: Any) -> Row:
        began = day.at(number) - timedelta(days=2)
        return day.extended(number, offline=True, **{"offline_timestamp": int(began.timestamp())} | changes)

    return [day.songs(offline), day.songs(offline, offline_timestamp=None)]


@case(Told(5))
def an_offline_time_that_one_lacks_and_no_uri(day: Day) -> Files:
    def offline(number: int, told: Callable[..., Row], **changes: Any) -> Row:
        began = day.at(number) - timedelta(days=2)
        return told(number, offline=True, **{"offline_timestamp": int(began.timestamp())} | changes)

    return [
        [offline(number, day.extended, offline_timestamp=None) for number in range(SONGS)],
        [offline(number, day.endsong) for number in range(SONGS)],
    ]


@case(Told(2))
def a_song_heard_twice_offline_that_one_tells_without_times(day: Day) -> Files:
    began = [int((day.at(0) - timedelta(hours=hours)).timestamp()) for hours in (9, 5)]
    return [
        [day.extended(0, offline=True, offline_timestamp=each) for each in began],
        [day.extended(0, offline=True, offline_timestamp=None)],
    ]


@case(Told(5))
def a_uri_that_was_relinked(day: Day) -> Files:
    return [
        day.songs(day.extended),
        [day.extended(number, spotify_track_uri=day.uri(100 + number)) for number in range(SONGS)],
    ]


@case(Told(10))
def uris_of_two_tracks(day: Day) -> Files:
    return [
        day.songs(day.extended),
        [
            day.extended(
                number,
                spotify_track_uri=day.uri(100 + number),
                master_metadata_track_name=f"Another song {number}",
            )
            for number in range(SONGS)
        ],
    ]


@case(Told(0, undecided=1, listens=2))
def a_short_stream_renamed(day: Day) -> Files:
    return [
        [day.one_year(0, artistName="Kanal Ost", msPlayed=4_999)],
        [day.extended(0, ms_played=4_999)],
    ]


@case(Told(0, listens=1))
def a_stream_of_five_seconds_renamed(day: Day) -> Files:
    return [
        [day.one_year(0, artistName="Kanal Ost", msPlayed=5_000)],
        [day.extended(0, ms_played=5_000)],
    ]


@case(Told(0, listens=1))
def a_short_stream_without_its_uri(day: Day) -> Files:
    return [[day.endsong(0, ms_played=900)], [day.extended(0, ms_played=900)]]


@case(Told(4, undecided=2))
def two_renamed_songs_of_one_length_in_one_minute(day: Day) -> Files:
    return [
        [day.one_year(0, trackName=f"Old title {number}") for number in range(2)],
        [
            day.extended(
                0, 10, master_metadata_track_name=f"Song {number}", spotify_track_uri=day.uri(number)
            )
            for number in range(2)
        ],
    ]


@case(Told(2))
def a_short_song_heard_twice_in_a_row(day: Day) -> Files:
    once = day.extended(0, ms_played=115_000)
    again = day.extended(0, 115, ms_played=115_000)
    return [[once, again], [row | NO_URI for row in (once, again)]]


@case(Told(2))
def a_short_song_heard_twice_in_a_row_and_told_without_reasons(day: Day) -> Files:
    return [
        [
            day.extended(0, ms_played=115_000, **NO_REASONS),
            day.extended(0, 115, ms_played=115_000, **NO_REASONS),
        ],
    ]


@case(Told(0, listens=12))
def twelve_skips_in_one_minute(day: Day) -> Files:
    return [
        [day.extended(0, 3 * skip, ms_played=0, reason_end="fwdbtn") for skip in range(12)],
        [day.endsong(0, 3 * skip, ms_played=0, reason_end="fwdbtn") for skip in range(12)],
        [day.one_year(0, msPlayed=0) for _ in range(12)],
    ]


@case(Told(0, listens=12))
def twelve_skips_in_as_many_seconds(day: Day) -> Files:
    return [[day.extended(0, skip, ms_played=0, reason_end="fwdbtn") for skip in range(12)]]


@case(Told(0, listens=12))
def twelve_skips_of_twelve_songs(day: Day) -> Files:
    skips = [
        {"ms_played": 0, "master_metadata_track_name": f"skipped {n}", "spotify_track_uri": day.uri(n)}
        for n in range(12)
    ]
    return [
        [day.one_year(0, msPlayed=0, trackName=f"skipped {n}") for n in range(12)],
        [day.extended(0, 2 * n, **skip) for n, skip in enumerate(skips)],
    ]


@case(Told(10))
def one_file_made_of_two_exports(day: Day) -> Files:
    return [day.songs(day.extended) + day.songs(day.extended, **NO_REASONS)]


@case(Told(5))
def the_same_rows_in_another_file(day: Day) -> Files:
    return [day.songs(day.extended), list(reversed(day.songs(day.extended)))]


@case(Told(5))
def one_file_made_of_two_exports_that_came_before(day: Day) -> Files:
    first, second = day.songs(day.extended), day.songs(day.extended, **NO_REASONS)
    return [first, second, first + second]


@case(Told(3))
def repeats_on_one_day_stay(day: Day) -> Files:
    repeat: Row = {"master_metadata_track_name": "repeat", "spotify_track_uri": day.uri(0)}
    return [
        [day.endsong(number, **repeat | NO_URI) for number in range(3)],
        [day.extended(number, **repeat) for number in range(3)],
        [day.one_year(number, trackName="repeat") for number in range(3)],
    ]


@case(Told(2))
def a_shifted_second_report_that_one_export_alone_tells(day: Day) -> Files:
    return [
        [day.endsong(0), day.endsong(0, 60), day.endsong(2)],
        [day.extended(0), day.extended(2)],
    ]


def made_offline(day: Day, told: object) -> Files:
    """One export, of one song that was made offline at that time."""
    return [[day.extended(0, offline=True, offline_timestamp=told)]]


@case(Told(1, undecided=1))
def an_offline_time_of_42(day: Day) -> Files:
    return made_offline(day, 42)


@case(Told(1, undecided=1))
def an_offline_time_in_2000(day: Day) -> Files:
    return made_offline(day, 946_684_800)


@case(Told(1, undecided=1))
def an_offline_time_in_2038(day: Day) -> Files:
    return made_offline(day, 2_147_483_647)


@case(Told(1, undecided=1))
def an_offline_time_after_the_upload(day: Day) -> Files:
    return made_offline(day, int(day.at(0).timestamp()) + 3600)


@case(Told(1, undecided=1))
def an_offline_time_six_years_before_the_upload(day: Day) -> Files:
    return made_offline(day, int((day.at(0) - timedelta(days=6 * 365)).timestamp()))


@case(Told(1, undecided=1))
def an_offline_time_of_more_days_than_an_upload_may_be_late(day: Day) -> Files:
    return made_offline(day, int((day.at(0) - timedelta(days=31)).timestamp()))


@case(Told(1, undecided=1))
def an_offline_time_of_six_years_before_in_milliseconds(day: Day) -> Files:
    return made_offline(day, int((day.at(0) - timedelta(days=6 * 365)).timestamp()) * 1000 + 846)


@case(Told(1))
def an_offline_time_that_one_tells_wrongly(day: Day) -> Files:
    right = day.at(0) - timedelta(hours=5)
    return [
        *made_offline(day, 42),
        *made_offline(day, int(right.timestamp())),
        [day.endsong(0, offline=True, offline_timestamp=int(right.timestamp()) * 1000 + 846)],
    ]


BELIEVED = {
    "an_offline_time_that_one_tells_wrongly": timedelta(hours=5),
    "an_offline_time_that_one_lacks": timedelta(days=2),
    "an_offline_time_that_one_lacks_and_no_uri": timedelta(days=2),
}
"""How long before its upload the first song of these cases began."""


@dataclass
class Exports:
    """The warehouse after the first exports, after all, and what each import said."""

    warehouse: Warehouse
    reports: list[ImportReport]
    told: dict[str, Told]
    builds: list[dict[str, Told]]


def days() -> dict[str, Day]:
    """A day for each case."""
    return {
        name: Day(FIRST_DAY + timedelta(days=DAYS_APART * number), name) for number, name in enumerate(CASES)
    }


def look(database: Database) -> dict[str, Told]:
    """What the warehouse counts for each case."""
    found = rows(
        database,
        "select listens.played_at, plays.play_id is not null, listens.is_undecided"
        " from analytics.listens left join analytics.plays on listens.listen_id = plays.play_id",
    )
    return {
        name: _count([one for one in found if abs(one[0] - day.begin) < timedelta(days=DAYS_APART / 2)])
        for name, day in days().items()
    }


def _count(listens: list[tuple[Any, ...]]) -> Told:
    return Told(
        sum(is_play for _, is_play, _ in listens),
        sum(is_undecided for *_, is_undecided in listens),
        len(listens),
    )


def expected(name: str) -> Told:
    """What should be counted for a case."""
    told = CASES[name][1]
    return told if told.listens is not None else told._replace(listens=told.plays)


def write(folder: Path, number: int, files: Iterable[tuple[str, list[Row]]]) -> Path:
    """One export: a file for each case that has one."""
    target = folder / str(number)
    target.mkdir()
    for name, told in files:
        is_one_year = "endTime" in told[0]
        kind = "StreamingHistory_music" if is_one_year else "Streaming_History_Audio"
        (target / f"{kind}_{name}.json").write_text(json.dumps(told), encoding="utf-8")
    return target


@pytest.fixture(scope="module")
def exports(
    postgres_server: Database,
    template_database: Database,
    dbt_folder: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Exports]:
    """All cases, imported export by export, with a build after the first and after the last."""
    folder = tmp_path_factory.mktemp("exports")
    with (
        pytest.MonkeyPatch.context() as patch,
        temporary_database(postgres_server, template=template_database.name, label="warehouse") as database,
    ):
        patch.setenv("TRACKER_HOME", str(folder / "home"))
        session = session_on(database)
        warehouse = Warehouse(database, Raw(database), dbt_folder)
        made = {
            name: make(day) for (name, day), (make, _) in zip(days().items(), CASES.values(), strict=True)
        }
        reports, builds = [], []
        for number in range(3):
            files = [(name, told[number]) for name, told in made.items() if len(told) > number]
            reports.append(import_history(session, write(folder, number, files)))
            code, output = warehouse.dbt("run", "--select", "+plays", "listens")
            assert code == 0, output
            builds.append(look(database))
        yield Exports(warehouse, reports, look(database), builds)


@pytest.mark.parametrize("name", CASES)
def test_a_stream_in_several_exports_is_one_listen(exports: Exports, name: str) -> None:
    told = exports.told[name]
    if name.startswith("a_short_song_heard_twice"):  # the second may be the first, told again
        told = told._replace(undecided=0)
    assert told == expected(name)


@pytest.mark.parametrize("name", [name for name in CASES if "offline_time" in name])
def test_an_impossible_time_is_replaced_by_that_of_the_upload(exports: Exports, name: str) -> None:
    day = days()[name]
    began = day.at(0) - BELIEVED[name] if name in BELIEVED else None
    ended = began + timedelta(milliseconds=LENGTH) if began else day.at(0)
    found = rows(
        exports.warehouse.database,
        "select played_at, undecided_about from analytics.listens where title = %s",
        [f"{name} song 0"],
    )
    assert found == [(ended, None if began else "time")]


def test_no_play_is_older_than_spotify(exports: Exports) -> None:
    assert rows(
        exports.warehouse.database, "select min(played_at) > '2006-01-01' from analytics.listens"
    ) == [(True,)]


def test_small_builds_give_the_listens_that_one_build_gives(exports: Exports) -> None:
    query = "select * from analytics.listens order by listen_id"
    before = rows(exports.warehouse.database, query)
    for schema in ("staging", "intermediate", "analytics"):
        execute(exports.warehouse.database, f"drop schema {schema} cascade")
    code, output = exports.warehouse.dbt("run", "--select", "+plays", "listens")
    assert code == 0, output
    assert rows(exports.warehouse.database, query) == before
