"""Files that are damaged, cut, wrong or strange: each has an outcome, and the others are loaded."""

from __future__ import annotations

import io
import zipfile
from typing import TYPE_CHECKING, Any

import orjson
import pytest

from extract.history import import_history
from extract.history.scanner import ArrayScanner
from tests.extract.history.rows import extended, one_year, stored, write

if TYPE_CHECKING:
    from pathlib import Path

    from profiles.session import Session

NAME = "Streaming_History_Audio_2023_0.json"
REJECTED = "select row_number, reason, row_text from raw_export.rejected_rows order by row_number"


def text_of(*rows: object) -> bytes:
    return orjson.dumps(list(rows), option=orjson.OPT_INDENT_2)


@pytest.mark.parametrize(
    ("content", "outcome", "reason"),
    [
        (b"", "empty", "the file is empty"),
        (b"[]", "empty", "the list has no rows"),
        (b'{"playlists": []}', "rejected", "a JSON object, not a list of plays"),
        (b"<html>", "rejected", "a web page or XML document, not JSON"),
        (b"\x89PNG\r\n", "rejected", "not JSON"),
        ('[{"a": 1}]'.encode("utf-16"), "rejected", "the file is UTF-16, not UTF-8: save it as UTF-8"),
        (b'[{"searchQuery": "pulp"}]', "rejected", "a list, but not of plays"),
    ],
)
def test_a_wrong_file_is_named_with_the_reason(
    session: Session, export: Path, content: bytes, outcome: str, reason: str
) -> None:
    (export / NAME).write_bytes(content)
    write(export / "Streaming_History_Audio_2023_1.json", [extended(1)])
    report = import_history(session, export)
    assert (report.files[0].outcome, report.files[0].reason) == (outcome, reason)
    assert report.plays == 1
    recorded = stored(session, "select name, outcome, reason from raw_export.import_files order by name")
    assert recorded[0] == (NAME, outcome, reason)


def test_of_a_file_cut_in_the_middle_the_rows_before_the_cut_are_loaded(
    session: Session, export: Path
) -> None:
    whole = text_of(*(extended(n) for n in range(10)))
    (export / NAME).write_bytes(whole[: len(whole) - 300])
    report = import_history(session, export)
    assert (report.plays, report.rejected, report.files[0].outcome) == (9, 1, "partial")
    assert "cut short" in str(report.files[0].reason)
    ((number, reason, text),) = stored(session, REJECTED)
    assert (number, reason) == (10, "the file ends inside this row")
    assert "203.0.113.9" not in text


def test_a_truncated_zip_has_a_clear_outcome(session: Session, export: Path) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(NAME, text_of(extended(1)))
    (export / "my_spotify_data.zip").write_bytes(buffer.getvalue()[:-40])
    report = import_history(session, export / "my_spotify_data.zip")
    assert [(file.outcome, file.reason) for file in report.files] == [
        ("rejected", "the zip is cut short or damaged: download it again")
    ]
    assert not report.is_useful


def test_of_a_damaged_zip_member_the_rows_before_the_damage_are_loaded(
    session: Session, export: Path
) -> None:
    path = export / "my_spotify_data.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr(NAME, text_of(*(extended(n) for n in range(3000))))
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(content)
    report = import_history(session, path)
    assert report.files[0].outcome == "partial"
    assert "BadZipFile" in str(report.files[0].reason)
    assert report.plays > 2000


def test_a_zip_member_with_a_path_outside_the_zip_is_read_and_writes_no_file(
    session: Session, export: Path, tmp_path: Path
) -> None:
    with zipfile.ZipFile(export / "my.zip", "w") as archive:
        archive.writestr("../../Streaming_History_Audio_0.json", text_of(extended(1)))
    assert import_history(session, export).plays == 1
    assert not list(tmp_path.rglob("Streaming_History_Audio_0.json"))


def test_a_byte_order_mark_is_skipped(session: Session, export: Path) -> None:
    (export / NAME).write_bytes(b"\xef\xbb\xbf \n" + text_of(extended(1)))
    assert import_history(session, export).plays == 1


def test_plays_of_no_length_are_kept_and_negative_ones_rejected(session: Session, export: Path) -> None:
    rows = [
        extended(1, ms_played=0),
        extended(2, ms_played=-5),
        extended(3, ms_played="x"),
        extended(4, ms_played=None),
    ]
    write(export / NAME, rows)
    report = import_history(session, export)
    lengths = stored(session, "select row_number, ms_played from raw_export.streaming_history order by 1")
    assert lengths == [(1, 0), (4, None)]
    assert report.files[0].reject_reasons == {
        "the time played is negative": 1,
        "the time played is not a number": 1,
    }


def test_nulls_everywhere_reject_only_the_row_without_a_time(session: Session, export: Path) -> None:
    nulls: dict[str, Any] = dict.fromkeys(extended(1))
    write(export / NAME, [nulls, nulls | {"ts": "2023-05-01T00:00:00Z"}, extended(1)])
    report = import_history(session, export)
    assert (report.new["unknown"], report.plays, report.rejected) == (1, 1, 1)
    assert stored(session, REJECTED)[0][:2] == (1, "no timestamp")


def test_names_in_every_script_arrive_as_they_are(session: Session, export: Path) -> None:
    names = [
        "夜に駆ける",
        "Дорогой длинною",
        "مرحبا",
        "שלום",
        "ไทย",
        "😀👩‍👩‍👧",
        'He said "hi", \\ and\nleft',
        "Ünïcødé",
        "},{",
    ]
    write(export / NAME, [extended(n, master_metadata_track_name=name) for n, name in enumerate(names)])
    import_history(session, export)
    found = stored(session, "select track_name from raw_export.streaming_history order by row_number")
    assert [name for (name,) in found] == names


def test_a_nul_character_is_taken_out_and_half_a_surrogate_replaced(session: Session, export: Path) -> None:
    whole = text_of(extended(1, master_metadata_track_name="a\x00b"), extended(2, episode_name="HALF"))
    (export / NAME).write_bytes(whole.replace(b"HALF", b"x\\ud83dy"))
    report = import_history(session, export)
    assert report.rejected == 0
    found = stored(
        session, "select track_name, episode_name from raw_export.streaming_history order by row_number"
    )
    assert found == [("ab", None), ("Track 2", "x\ufffdy")]


def test_one_broken_row_costs_that_row_alone(session: Session, export: Path) -> None:
    whole = text_of(*(extended(n) for n in range(9)))
    (export / NAME).write_bytes(whole.replace(b'"Track 4"', b'"Track 4'))
    report = import_history(session, export)
    assert (report.plays, report.rejected) == (8, 1)
    ((number, reason, text),) = stored(session, REJECTED)
    assert (number, reason) == (5, "not valid JSON")
    assert "Track 4" in text
    assert "203.0.113.9" not in text


def test_times_of_every_spelling_are_utc(session: Session, export: Path) -> None:
    spellings = [
        "2016-10-07 22:02:26 UTC",
        "2016-10-08T00:02:26+02:00",
        "2016-10-07T22:02:26.000Z",
        1475877746,
    ]
    rows = [extended(n, ts=ts) for n, ts in enumerate(spellings)]
    write(export / NAME, [*rows, extended(9, ts="yesterday"), extended(10, ts="1970-01-01T00:00:00Z")])
    report = import_history(session, export)
    assert stored(session, "select distinct ts at time zone 'UTC' from raw_export.streaming_history") != []
    assert stored(session, "select count(distinct ts), count(*) from raw_export.streaming_history") == [
        (1, 4)
    ]
    assert sorted(report.files[0].reject_reasons) == [
        "the timestamp cannot be read",
        "the timestamp is from before Spotify existed",
    ]


def compressed_unreadably(*names: str) -> bytes:
    """A zip whose members say that they are compressed by a method that nobody here knows."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for n, name in enumerate(names):
            archive.writestr(name, text_of(extended(n)))
    return buffer.getvalue().replace(b"\x14\x00\x00\x00\x08\x00", b"\x14\x00\x00\x00\x09\x00")


def test_what_could_not_be_opened_was_never_imported(session: Session, export: Path) -> None:
    (export / "a.zip").write_bytes(compressed_unreadably(NAME, "endsong_0.json"))
    (export / "b.zip").write_bytes(compressed_unreadably("endsong_7.json"))
    for path in ("a.zip", "a.zip", "b.zip"):
        report = import_history(session, export / path)
        assert {file.outcome for file in report.files} == {"rejected"}
        assert "uses a compression that cannot be read here: unpack the zip" in str(report.damaged)
    assert stored(session, "select count(*), count(distinct file_id) from raw_export.import_files") == [
        (3, 3)
    ]


def test_a_file_that_breaks_is_told_again_by_each_import_and_adds_nothing(
    session: Session, export: Path
) -> None:
    whole = text_of(*(extended(n) for n in range(10)))
    (export / NAME).write_bytes(whole[: len(whole) - 300])
    first = import_history(session, export)
    recorded = stored(session, "select * from raw_export.import_files")
    second = import_history(session, export)
    assert (first.rows_read, first.plays, first.duplicates, first.rejected) == (10, 9, 0, 1)
    assert (second.rows_read, second.plays, second.duplicates, second.rejected) == (10, 0, 9, 1)
    for report in (first, second):
        assert report.damaged == f"{NAME}: it is cut short; what stands before the cut was read"
    assert stored(session, "select * from raw_export.import_files") == recorded


@pytest.mark.parametrize("name", [f"{NAME}.txt", "history.json.TXT", "no suffix", f"{NAME}.download"])
def test_a_history_under_another_suffix_is_read(session: Session, export: Path, name: str) -> None:
    write(export / name, [extended(1)])
    write(export / "shopping.txt", ["milk"])
    report = import_history(session, export)
    assert [(file.name, file.outcome) for file in report.files] == [(name, "loaded")]
    assert report.ignored == ("shopping.txt",)


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_a_zip_inside_a_zip_is_looked_into(session: Session, export: Path, method: int) -> None:
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w", method) as archive:
        archive.writestr(NAME, text_of(extended(1), extended(2)))
    with zipfile.ZipFile(export / "outer.zip", "w", method) as archive:
        archive.writestr("inner.zip", inner.getvalue())
        archive.writestr("torn.zip", inner.getvalue()[:-30])
    report = import_history(session, export / "outer.zip")
    assert [(file.name, file.outcome, file.rows_read) for file in report.files] == [
        ("outer.zip/torn.zip", "rejected", 0),
        (f"outer.zip/inner.zip/{NAME}", "loaded", 2),
    ]
    again = import_history(session, export / "outer.zip")
    assert [file.outcome for file in again.files] == ["rejected", "already_imported"]


@pytest.mark.parametrize("between", [b"", b"\n", b",\n", b"\n\xef\xbb\xbf", b" \r\n\r\n"])
@pytest.mark.parametrize("block_bytes", [64, 1000, 4 << 20])
def test_lists_that_somebody_joined_are_all_read(between: bytes, block_bytes: int) -> None:
    lists = [[extended(n) for n in range(20)], [], [extended(n) for n in range(20, 50)]]
    joined = between.join(orjson.dumps(each) for each in lists)
    scanner = ArrayScanner(io.BytesIO(joined), block_bytes=block_bytes)
    read = [value for chunk in scanner.chunks() for value in chunk.values]
    assert read == [extended(n) for n in range(50)]
    assert not scanner.cut_short
    cut = ArrayScanner(io.BytesIO(joined[:-1]), block_bytes=block_bytes)
    assert sum(len(chunk.values) for chunk in cut.chunks()) == 50
    assert cut.cut_short


def test_joined_files_of_two_formats_are_read_by_the_keys_of_each(session: Session, export: Path) -> None:
    (export / NAME).write_bytes(text_of(extended(1)) + text_of(one_year(10), one_year(11)))
    report = import_history(session, export)
    assert (report.rows_read, report.plays, report.rejected) == (3, 3, 0)
    formats = "select format, count(*) from raw_export.streaming_history group by 1 order by 1"
    assert stored(session, formats) == [("extended", 1), ("one_year", 2)]


def test_repaired_rows_are_told(session: Session, export: Path) -> None:
    whole = text_of(extended(1, master_metadata_track_name="HALF"), extended(2))
    (export / NAME).write_bytes(whole.replace(b"HALF", b"x\\ud83dy"))
    report = import_history(session, export)
    assert (report.repaired, report.rows_read, report.rejected) == (1, 2, 0)
    assert report.summary.startswith(
        "2 rows read (1 of them repaired): 2 plays added, 0 duplicates, 0 rejected;"
    )


def test_the_counts_of_the_line_add_up_to_the_rows_read(session: Session, export: Path) -> None:
    nothing: dict[str, Any] = dict.fromkeys(
        ["master_metadata_track_name", "master_metadata_album_artist_name", "spotify_track_uri"]
    )
    chapter = {"audiobook_title": "Emma", "audiobook_uri": "spotify:show:1", "audiobook_chapter_title": "1"}
    rows = [extended(1), extended(1), extended(2, ts=None), extended(3, **nothing)]
    write(export / NAME, [*rows, extended(4, **nothing, **chapter)])
    line = import_history(session, export).summary
    assert line.startswith(
        "5 rows read: 1 plays and 1 audiobooks and 1 of unknown kind added, 1 duplicates, 1 rejected;"
    )


def test_broken_files_are_not_recorded_twice(session: Session, export: Path) -> None:
    (export / NAME).write_bytes(b"")
    (export / "a.zip").write_bytes(b"PK no zip")
    write(export / "Streaming_History_Audio_2023_1.json", [extended(1), extended(2, ts=None)])
    import_history(session, export)
    import_history(session, export)
    assert stored(session, "select count(*) from raw_export.import_files") == [(3,)]
    assert stored(session, "select count(*) from raw_export.rejected_rows") == [(1,)]


@pytest.mark.parametrize("block_bytes", [64, 700, 1000, 4096])
@pytest.mark.parametrize("indent", [None, orjson.OPT_INDENT_2])
def test_the_size_of_the_blocks_does_not_change_what_is_read(block_bytes: int, indent: int | None) -> None:
    rows = [
        extended(n, master_metadata_track_name='},{"ts": [' * (n % 5), extra={"a": [{"b": n}]})
        for n in range(50)
    ]
    scanner = ArrayScanner(io.BytesIO(orjson.dumps(rows, option=indent)), block_bytes=block_bytes)
    read = [
        (number, value)
        for chunk in scanner.chunks()
        for number, value in zip(chunk.row_numbers, chunk.values, strict=True)
    ]
    assert read == list(enumerate(rows, 1))
    assert not scanner.cut_short


def test_a_row_without_an_end_does_not_fill_the_memory() -> None:
    endless = io.BytesIO(
        b'[{"ts": "' + b"x" * (3 << 20) + b'"}, {"ts": "2023-05-01T00:00:00Z", "ms_played": 1}]'
    )
    scanner = ArrayScanner(endless, block_bytes=64 << 10)
    chunks = list(scanner.chunks())
    assert all(len(bad.text) <= 256 << 10 for chunk in chunks for bad in chunk.bad)
    assert sum(len(chunk.bad) for chunk in chunks) >= 1


class Long(io.BufferedIOBase):
    """A list of 200 MB that is never in memory as a whole."""

    def __init__(self, rows: int) -> None:
        self._row = orjson.dumps(extended(1)) + b",\n"
        self._left = rows
        self._rest = b"["

    def read1(self, size: int = -1, /) -> bytes:
        while len(self._rest) < size and self._left:
            rows = min(self._left, 200)
            self._left -= rows
            self._rest += self._row * rows if self._left else self._row * (rows - 1) + self._row[:-2] + b"]"
        given, self._rest = self._rest[:size], self._rest[size:]
        return given


def test_a_file_of_200_megabytes_is_read_some_megabytes_at_a_time() -> None:
    count = 200_000_000 // len(orjson.dumps(extended(1)))
    sizes = [len(chunk.values) for chunk in ArrayScanner(Long(count)).chunks()]
    assert sum(sizes) == count
    assert max(sizes) < count / 20
