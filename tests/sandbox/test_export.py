from __future__ import annotations

import json
import zipfile
from collections import Counter
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest

from sandbox.account.builders import small_account
from sandbox.account.export import Export, Quirks, make_export
from sandbox.account.ids import readable_id
from sandbox.account.model import Chapter
from sandbox.life.realistic import realistic_account

if TYPE_CHECKING:
    from pathlib import Path

    from sandbox.account.account import Account

REASONS = ("reason_start", "reason_end")
NOW = datetime(2026, 11, 22, 18, 30, tzinfo=UTC)


@cache
def account() -> Account:
    return realistic_account(7, now=NOW)


def rows_of(export: Export) -> list[dict[str, Any]]:
    return [row for rows in export.files.values() for row in rows]


def test_without_quirks_there_is_one_row_per_play() -> None:
    export = make_export(account(), quirks=Quirks.none())
    assert export.rows == len(account().plays) == export.true_plays
    true = Counter(
        (play.uploaded_at or play.ended_at).strftime("%Y-%m-%dT%H:%M:%SZ") for play in account().plays
    )
    assert Counter(row["ts"] for row in rows_of(export)) == true
    assert sum(row["ms_played"] for row in rows_of(export)) == sum(play.ms_played for play in account().plays)


def test_the_extended_export_has_the_files_keys_and_oddities_of_real_ones() -> None:
    export = make_export(account())
    names = [name.rpartition("/")[2] for name in export.files]
    assert names[0].startswith("Streaming_History_Audio_2023-")
    assert any(name.startswith("Streaming_History_Video_") for name in names)
    rows = rows_of(export)
    for key in ("ip_addr", "offline_timestamp", "audiobook_title", "incognito_mode", "spotify_episode_uri"):
        assert key in rows[0]
    assert "username" not in rows[0]
    assert {row["skipped"] for row in rows} == {True, False, None}
    assert any(row["ms_played"] == 0 for row in rows)
    assert any(row["spotify_track_uri"] is None for row in rows)
    doubles = sum(count - 1 for count in Counter(json.dumps(row) for row in rows).values())
    assert doubles >= export.doubled_rows * 0.9 > 0
    assert export.shifted_rows > 0
    offline = [row["offline_timestamp"] for row in rows if row["offline_timestamp"]]
    assert max(offline) < 10**10


def test_the_older_format_has_other_names_milliseconds_and_no_skips() -> None:
    export = make_export(account(), "endsong")
    assert any(name.endswith("endsong_0.json") for name in export.files)
    rows = rows_of(export)
    assert rows[0]["username"] == "sandbox-listener"
    assert "ip_addr_decrypted" in rows[0]
    assert {row["skipped"] for row in rows} == {False}
    assert max(row["offline_timestamp"] for row in rows) > 10**12


def test_account_data_covers_a_year_to_the_minute_and_has_no_uris() -> None:
    export = make_export(account(), "account")
    name, rows = next(iter(export.files.items()))
    assert name == "Spotify Account Data/StreamingHistory_music_0.json"
    assert set(rows[0]) == {"endTime", "artistName", "trackName", "msPlayed"}
    assert len(rows[0]["endTime"]) == len("2026-11-22 18:30")
    assert datetime.fromisoformat(rows[0]["endTime"]).replace(tzinfo=UTC) >= NOW - timedelta(days=366)
    podcasts = export.files["Spotify Account Data/StreamingHistory_podcast_0.json"]
    assert set(podcasts[0]) == {"endTime", "podcastName", "episodeName", "msPlayed"}
    old = make_export(account(), "account-old")
    assert "MyData/StreamingHistory0.json" in old.files
    assert old.rows == export.rows


def test_exports_of_two_spans_cover_the_whole() -> None:
    middle = NOW - timedelta(days=400)
    first = make_export(account(), until=middle, quirks=Quirks.none())
    second = make_export(account(), since=middle, quirks=Quirks.none())
    assert first.rows + second.rows == len(account().plays)


@pytest.mark.parametrize("kind", ["extended", "endsong", "account"])
def test_an_export_is_written_as_a_zip_or_as_a_folder(tmp_path: Path, kind: Any) -> None:
    export = make_export(account(), kind, since=NOW - timedelta(days=20))
    export.write(tmp_path / "export.zip")
    export.write(tmp_path / "folder")
    with zipfile.ZipFile(tmp_path / "export.zip") as archive:
        for name, rows in export.files.items():
            assert json.loads(archive.read(name)) == rows
            assert json.loads((tmp_path / "folder" / name).read_text(encoding="utf-8")) == rows
        assert any(name.endswith(".pdf") for name in archive.namelist())


def test_the_same_seed_writes_the_same_export() -> None:
    assert make_export(account()).files == make_export(account()).files
    assert make_export(account()).files != make_export(account(), seed=2).files


def test_an_export_without_uris_has_no_uri_keys_at_all() -> None:
    rows = rows_of(make_export(account(), "endsong", quirks=Quirks(has_uris=False)))
    assert not any("spotify_track_uri" in row or "spotify_episode_uri" in row for row in rows)
    assert any(row["master_metadata_track_name"] for row in rows)
    assert all("spotify_track_uri" in row for row in rows_of(make_export(account(), "endsong")))


def test_reasons_may_be_none_for_whole_years() -> None:
    rows = rows_of(make_export(account(), quirks=Quirks(zero_length=0, years_without_reasons=(2024,))))
    by_year = {
        is_named: {row[name] for row in rows if (row["ts"][:4] != "2024") == is_named for name in REASONS}
        for is_named in (True, False)
    }
    assert by_year[False] == {"none"}
    assert "none" not in by_year[True]


def test_some_offline_times_are_impossible_or_in_milliseconds() -> None:
    rows = rows_of(make_export(account(), quirks=Quirks(odd_offline_times=0.2)))
    times = [row["offline_timestamp"] for row in rows if row["offline_timestamp"] is not None]
    tiny, milliseconds = [one for one in times if one < 100], [one for one in times if one > 10**12]
    assert len(tiny) > len(times) * 0.05
    assert len(milliseconds) > len(times) * 0.05
    usual = rows_of(make_export(account(), quirks=Quirks()))
    assert all(not one or one > 10**9 for one in (row["offline_timestamp"] for row in usual))


def test_audiobooks_are_part_of_every_kind_of_export() -> None:
    listener = small_account()
    chapter = listener.add_chapter(
        Chapter(readable_id("Chapter", 1), "One: The Tram", "The Night Tram", "A. Writer", 900_000)
    )
    listener.play(chapter.uri)
    (row,) = [one for one in rows_of(make_export(listener)) if one["audiobook_title"]]
    assert (row["audiobook_title"], row["audiobook_chapter_title"]) == ("The Night Tram", "One: The Tram")
    assert (row["audiobook_chapter_uri"], row["spotify_track_uri"]) == (chapter.uri, None)
    assert row["audiobook_uri"].startswith("spotify:show:")
    files = make_export(listener, "account").files
    (told,) = files["Spotify Account Data/StreamingHistory_audiobook_0.json"]
    assert set(told) == {"endTime", "authorName", "audiobookName", "chapterName", "msPlayed"}
    assert (told["authorName"], told["msPlayed"]) == ("A. Writer", 900_000)
    assert len(files["Spotify Account Data/StreamingHistory_music_0.json"]) == 6
