"""What an import loads, counts and leaves out."""

from __future__ import annotations

import zipfile
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import orjson
import pytest

from extract.history import ImportInputError, ImportProgress, import_history
from extract.history.formats import EXTENDED_KEYS, ONE_YEAR_KEYS
from profiles.database import advisory_lock
from tests.extract.history.rows import endsong, extended, one_year, stored, write

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from profiles.session import Session
    from tests.extract.history.rows import Row

ALL = "select * from raw_export.streaming_history"


def test_a_row_arrives_with_its_types_and_without_its_address(session: Session, export: Path) -> None:
    write(export / "Streaming_History_Audio_2023_0.json", [extended(1, offline=True, skipped=True)])
    import_history(session, export)
    assert stored(
        session,
        "select ts, ms_played, track_name, artist_name, album_name, track_uri, skipped, offline, offline_at,"
        " kind, format, era, is_minute_precision, row_number, conn_country from raw_export.streaming_history",
    ) == [
        (
            *(datetime(2023, 5, 1, 12, 4, tzinfo=UTC), 180_001, "Track 1", "Pulp", "Different Class"),
            *("spotify:track:0000000000000000000001", True, True, datetime(2023, 5, 1, 12, 1, tzinfo=UTC)),
            *("track", "extended", "extended_since_2024", False, 1, "DE"),
        )
    ]
    assert "203.0.113" not in str(stored(session, ALL))


def test_every_era_is_read_from_folders_and_zips_together(session: Session, export: Path) -> None:
    write(export / "MyData" / "endsong_0.json", [endsong(n) for n in range(3)])
    write(export / "MyData" / "StreamingHistory0.json", [one_year(n) for n in range(10, 12)])
    with zipfile.ZipFile(export / "my_spotify_data.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        folder = "Spotify Extended Streaming History"
        archive.writestr(f"{folder}/Streaming_History_Audio_2023_1.json", orjson.dumps([extended(20)]))
        archive.writestr(f"{folder}/Streaming_History_Video_2023.json", orjson.dumps([extended(21)]))
        archive.writestr(f"{folder}/ReadMeFirst.pdf", b"%PDF")
        archive.writestr("Spotify Account Data/Userdata.json", b'{"email": "someone@example.org"}')
    report = import_history(session, export)
    assert stored(
        session, "select era, kind, count(*) from raw_export.streaming_history group by 1, 2 order by 1, 2"
    ) == [
        ("extended_since_2024", "track", 1),
        ("extended_since_2024", "video", 1),
        ("extended_until_2022", "track", 3),
        ("one_year", "track", 2),
    ]
    assert (report.rows_read, report.plays, report.duplicates, report.rejected) == (7, 7, 0, 0)
    assert report.ignored == (
        "my_spotify_data.zip/Spotify Account Data/Userdata.json",
        "my_spotify_data.zip/Spotify Extended Streaming History/ReadMeFirst.pdf",
    )
    assert "someone" not in str(
        stored(session, ALL) + stored(session, "select * from raw_export.import_files")
    )


def test_podcasts_and_audiobooks_are_kinds_of_their_own(session: Session, export: Path) -> None:
    nothing: dict[str, Any] = dict.fromkeys(
        ["master_metadata_track_name", "master_metadata_album_artist_name", "spotify_track_uri"]
    )
    episode = {"episode_name": "One", "episode_show_name": "Show", "spotify_episode_uri": "spotify:episode:1"}
    chapter = {"audiobook_title": "Emma", "audiobook_uri": "spotify:show:1", "audiobook_chapter_title": "1"}
    write(
        export / "Streaming_History_Video_2023.json",
        [
            extended(1),
            extended(2, **nothing, **episode),
            extended(3, **nothing, **chapter),
            extended(4, **nothing),
            extended(5, spotify_track_uri=None),
            extended(6, **nothing | {"spotify_track_uri": "spotify:episode:2"}),
        ],
    )
    write(
        export / "StreamingHistory_podcast_0.json",
        [{"endTime": "2023-05-01 10:00", "podcastName": "Show", "episodeName": "Two", "msPlayed": 5}],
    )
    report = import_history(session, export)
    kinds = stored(
        session, "select row_number, kind from raw_export.streaming_history order by format, row_number"
    )
    assert [kind for _, kind in kinds] == [
        "video",
        "podcast",
        "audiobook",
        "unknown",
        "video",
        "podcast",
        "podcast",
    ]
    assert (report.plays, report.podcasts, report.new["audiobook"]) == (2, 3, 1)


def test_the_same_file_again_or_under_another_name_adds_nothing(session: Session, export: Path) -> None:
    first = write(export / "Streaming_History_Audio_2023_0.json", [extended(n) for n in range(50)])
    import_history(session, export)
    tables = ("streaming_history", "import_files", "rejected_rows")
    before = [stored(session, f"select * from raw_export.{table} order by 1") for table in tables]
    (export / "history (1).json").write_bytes(first.read_bytes())
    report = import_history(session, export)
    assert [file.outcome for file in report.files] == ["already_imported"] * 2
    assert (report.rows_read, report.new_rows) == (0, 0)
    assert before == [stored(session, f"select * from raw_export.{table} order by 1") for table in tables]


def test_what_an_older_version_loaded_is_known_to_a_reader_that_reads_it_again(
    session: Session, export: Path
) -> None:
    without_uri = {key: value for key, value in endsong(1).items() if key != "spotify_track_uri"}
    write(export / "endsong_0.json", [extended(1), endsong(1, offline=True), without_uri])
    write(export / "StreamingHistory0.json", [one_year(1), one_year(1)])
    import_history(session, export)
    # by these the first versions stored such rows: others would double each life at its next import
    assert stored(
        session, "select row_hash from raw_export.streaming_history order by format, row_number"
    ) == [
        (-2531001794450638766,),
        (2672739630171906717,),
        (-3293484411738149354,),
        (-4953676863877230791,),
        (-2123108107593873967,),
    ]
    stored(session, "update raw_export.import_files set reader_version = 0 returning 1", commit=True)
    again = import_history(session, export)
    assert (again.rows_read, again.new_rows, again.duplicates) == (5, 0, 5)
    assert stored(session) == [(5,)]


def test_of_overlapping_exports_only_new_rows_are_loaded(session: Session, export: Path) -> None:
    older = write(export / "a" / "endsong_0.json", [endsong(n) for n in range(100)]).parent
    newer = write(
        export / "b" / "Streaming_History_Audio_2023.json", [extended(n) for n in range(60, 130)]
    ).parent
    import_history(session, older)
    report = import_history(session, newer)
    assert (report.rows_read, report.plays, report.duplicates) == (70, 30, 40)
    assert stored(session) == [(130,)]


def test_equal_rows_inside_a_file_and_across_files_are_kept_once_and_counted(
    session: Session, export: Path
) -> None:
    write(export / "Streaming_History_Audio_0.json", [extended(1), extended(2), extended(1), extended(1)])
    write(export / "Streaming_History_Audio_1.json", [extended(2), extended(3)])
    report = import_history(session, export)
    assert [(file.rows_read, sum(file.new.values()), file.duplicates) for file in report.files] == [
        (4, 2, 2),
        (2, 1, 1),
    ]


@pytest.mark.parametrize(
    "other",
    [
        lambda n: {key: value for key, value in endsong(n).items() if key != "spotify_track_uri"},
        lambda n: extended(n, reason_end="none"),
        lambda n: extended(n, spotify_track_uri=None, master_metadata_album_artist_name="Arabicus Pulp"),
        lambda n: one_year(n, artistName="Arabicus Pulp"),
        lambda n: one_year(n, trackName=f"Another title {n}"),
    ],
    ids=["without uris", "without reasons", "renamed, without uris", "artist renamed", "titles renamed"],
)
def test_a_stream_that_another_export_reports_differently_is_stored_and_counted_as_a_duplicate(
    session: Session, export: Path, other: Callable[[int], Row]
) -> None:
    write(export / "a" / "endsong_0.json", [extended(n) for n in range(5)])
    write(export / "b" / "endsong_0.json", [other(n) for n in range(7)])
    first = import_history(session, export / "a")
    second = import_history(session, export / "b")
    assert (first.plays, first.duplicates) == (5, 0)
    assert (second.rows_read, second.plays, second.duplicates) == (7, 2, 5)
    assert stored(session) == [(12,)]


def test_of_files_of_one_import_the_later_one_has_the_duplicates(session: Session, export: Path) -> None:
    write(export / "endsong_0.json", [extended(n) for n in range(5)])
    write(export / "endsong_1.json", [extended(n, reason_end="none") for n in range(5)])
    report = import_history(session, export)
    assert [(file.rows_read, sum(file.new.values()), file.duplicates) for file in report.files] == [
        (5, 5, 0),
        (5, 0, 5),
    ]


def test_another_stream_is_no_duplicate(session: Session, export: Path) -> None:
    write(export / "a" / "endsong_0.json", [extended(n, ms_played=4_999) for n in range(5)])
    import_history(session, export / "a")
    others = [
        one_year(0, msPlayed=4_999, artistName="Arabicus Pulp"),  # too short to tell
        extended(1, ms_played=4_998),
        extended(2, ms_played=4_999, ts="2023-05-01T12:08:01Z"),
        extended(3, ms_played=4_999, spotify_track_uri="spotify:track:other", master_metadata_track_name="B"),
    ]
    write(export / "b" / "endsong_0.json", others[1:])
    write(export / "b" / "StreamingHistory0.json", others[:1])
    report = import_history(session, export / "b")
    assert (report.plays, report.duplicates) == (4, 0)


def test_audiobooks_of_one_year_data_are_a_kind_of_their_own(session: Session, export: Path) -> None:
    heard = {"endTime": "2025-05-01 10:00", "authorName": "Jane Austen", "msPlayed": 300_000}
    chapters = [
        heard | {"audiobookName": "Emma", "chapterName": "Chapter 1"},
        heard | {"audiobookName": None, "chapterName": "Chapter 2"},
    ]
    write(export / "StreamingHistory_audiobook_0.json", chapters)
    report = import_history(session, export)
    assert (report.plays, report.podcasts, dict(report.new)) == (0, 0, {"audiobook": 2})
    assert report.files[0].unknown_keys == {}
    assert stored(
        session,
        "select kind, audiobook_title, audiobook_chapter_title, artist_name from"
        " raw_export.streaming_history order by row_number",
    ) == [
        ("audiobook", "Emma", "Chapter 1", "Jane Austen"),
        ("audiobook", None, "Chapter 2", "Jane Austen"),
    ]


def test_offline_repeats_that_arrive_in_one_second_stay_apart(session: Session, export: Path) -> None:
    on_a_plane = [extended(1, offline=True, offline_timestamp=1_682_940_000 + 180 * n) for n in range(3)]
    other_era = [
        endsong(1, offline=True, offline_timestamp=(1_682_940_000 + 180 * n) * 1000) for n in range(3)
    ]
    write(export / "Streaming_History_Audio_0.json", on_a_plane)
    write(export / "endsong_0.json", other_era)
    report = import_history(session, export)
    assert (report.plays, report.duplicates) == (3, 3)


def test_equal_rows_of_one_year_data_are_kept_and_come_once_however_often_they_are_exported(
    session: Session, export: Path
) -> None:
    uploaded = [one_year(1), one_year(1), one_year(2), one_year(1)]
    write(export / "a" / "StreamingHistory_music_0.json", uploaded)
    write(export / "b" / "StreamingHistory_music_0.json", [*uploaded, one_year(3)])
    report = import_history(session, export)
    assert [(file.rows_read, sum(file.new.values()), file.duplicates) for file in report.files] == [
        (4, 4, 0),
        (5, 1, 4),
    ]


def test_one_year_rows_are_of_minute_precision_and_do_not_hide_extended_ones(
    session: Session, export: Path
) -> None:
    write(export / "StreamingHistory_music_0.json", [one_year(1)])
    write(export / "Streaming_History_Audio_0.json", [extended(1)])
    import_history(session, export)
    found = stored(session, "select format, is_minute_precision from raw_export.streaming_history order by 1")
    assert found == [("extended", False), ("one_year", True)]


@pytest.mark.parametrize("skipped", [None, True, False, "true", 0])
def test_skipped_of_any_era_is_a_flag_or_unknown(session: Session, export: Path, skipped: object) -> None:
    write(export / "endsong_0.json", [endsong(1, skipped=skipped)])
    import_history(session, export)
    expected = {"None": None, "True": True, "False": False, "true": True, "0": False}[str(skipped)]
    assert stored(session, "select skipped from raw_export.streaming_history") == [(expected,)]


def test_unknown_and_missing_keys_are_reported_and_never_fatal(session: Session, export: Path) -> None:
    sparse = {"ts": "2023-05-01T00:00:00Z", "ms_played": 1}
    write(
        export / "Streaming_History_Audio_0.json", [extended(1, mood="calm"), sparse, extended(2, mood=None)]
    )
    report = import_history(session, export)
    assert report.files[0].unknown_keys == {"mood": 2}
    assert (report.rows_read, report.rejected) == (3, 0)
    assert stored(session, "select unknown_keys from raw_export.import_files") == [({"mood": 2},)]


def test_a_second_import_at_the_same_time_is_refused(session: Session, export: Path) -> None:
    write(export / "Streaming_History_Audio_0.json", [extended(1)])
    with (
        advisory_lock(session.database, "load:spotify_exports", wait=True),
        pytest.raises(Exception, match="Another import is running"),
    ):
        import_history(session, export)


def test_a_path_without_history_is_bad_input(session: Session, export: Path) -> None:
    (export / "notes.txt").write_text("nothing")
    for path in (export, export / "missing.zip"):
        with pytest.raises(ImportInputError) as raised:
            import_history(session, path)
        assert raised.value.exit_status == 2


def test_progress_reports_files_bytes_and_rows(session: Session, export: Path) -> None:
    write(export / "Streaming_History_Audio_0.json", [extended(n) for n in range(5)])
    write(export / "Streaming_History_Audio_1.json", [extended(n) for n in range(5, 9)])
    reported: list[ImportProgress] = []
    import_history(session, export, progress=reported.append)
    assert (reported[-1].files_done, reported[-1].files_total, reported[-1].rows_read) == (2, 2, 9)
    assert reported[-1].bytes_done == reported[-1].bytes_total


def test_the_lines_of_the_report_add_up(session: Session, export: Path) -> None:
    rows: list[object] = [extended(1), extended(1), extended(2, ts=None), "text", extended(3)]
    write(export / "Streaming_History_Audio_0.json", rows)
    report = import_history(session, export)
    assert report.rows_read == report.new_rows + report.duplicates + report.rejected == 5
    assert (report.first_at, report.last_at) == (
        datetime(2023, 5, 1, 12, 4, tzinfo=UTC),
        datetime(2023, 5, 1, 12, 12, tzinfo=UTC),
    )
    assert orjson.loads(orjson.dumps(report.as_dict()))["rejected"] == 2


def test_no_key_is_mapped_to_a_column_that_does_not_exist() -> None:
    from extract.history.columns import SCHEMA

    assert {*EXTENDED_KEYS.values(), *ONE_YEAR_KEYS.values()} <= set(SCHEMA.names)


def test_personal_rows_do_not_stay_in_the_working_folder(
    session: Session, export: Path, tracker_home: Path
) -> None:
    write(export / "Streaming_History_Audio_0.json", [extended(1, ts=None), extended(2)])
    import_history(session, export)
    left = [path for path in tracker_home.rglob("*") if path.is_file() and b"Track 2" in path.read_bytes()]
    assert left == []
