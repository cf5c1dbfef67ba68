"""Writes the account's streaming history in Spotify's export formats, with the oddities of real exports.

* `extended`: `Streaming_History_Audio_*.json` and `_Video_*`, the format since 2023.
* `endsong`: the format before: `endsong_*.json`, `endvideo_*.json`, with user name, IP address and user
  agent.
* `account`: the one-year account data: `StreamingHistory_music_*.json`, `_podcast_*`, `_audiobook_*`. Its
  times have minute precision, and it has no uris.
* `account-old`: the older account data: `StreamingHistory*.json`, with music and podcasts in one file.
"""

from __future__ import annotations

import json
import zipfile
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from typing import TYPE_CHECKING, Any, Final, Literal

from sandbox.account.ids import opaque_id

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from sandbox.account.account import Account
    from sandbox.account.model import Play

Row = dict[str, Any]
ExportKind = Literal["extended", "endsong", "account", "account-old"]
ROWS_PER_FILE: Final = 15_000
ACCOUNT_ROWS_PER_FILE: Final = 10_000
ONE_YEAR: Final = timedelta(days=365)
SKIPS_RECORDED_SINCE: Final = datetime(2022, 10, 1, tzinfo=UTC)
FOLDERS: Final = {
    "extended": "Spotify Extended Streaming History",
    "endsong": "MyData",
    "account": "Spotify Account Data",
    "account-old": "MyData",
}
LONG_PLATFORMS: Final = {
    "android": "Android OS 13 API 33 (Sandbox, SB-1)",
    "windows": "Windows 10 (10.0.19045; x64)",
    "web_player": "web_player windows 10;firefox 118.0;desktop",
    "cast": "Partner google cast_tv",
}


@dataclass(frozen=True)
class Quirks:
    """How often each oddity of real exports occurs, as a share of all rows.

    Two oddities concern a whole export: exports of 2020 have no uris (`has_uris` False leaves the keys out),
    and in `years_without_reasons` both reasons are "none". An odd offline time is a number below 100, or
    milliseconds in a column of seconds.
    """

    doubled: float = 0.008
    doubled_across_files: float = 0.004
    shifted: float = 0.003
    zero_length: float = 0.006
    skipped_null: float = 0.05
    odd_offline_times: float = 0.0
    years_without_reasons: tuple[int, ...] = ()
    has_uris: bool = True

    @classmethod
    def none(cls) -> Quirks:
        """Return quirks that never occur: the export has exactly one row per play."""
        return cls(0, 0, 0, 0, 0)


@dataclass
class Export:
    """An export in memory: rows by file path, other files by path, and how many rows each quirk added."""

    kind: ExportKind
    files: dict[str, list[Row]] = field(default_factory=dict)
    others: dict[str, Row] = field(default_factory=dict)
    true_plays: int = 0
    doubled_rows: int = 0
    shifted_rows: int = 0
    zero_length_rows: int = 0

    @property
    def rows(self) -> int:
        """The number of rows in all listening files."""
        return sum(map(len, self.files.values()))

    def summary(self) -> dict[str, Any]:
        """Return the counts, and the number of rows of each file, as a JSON object."""
        counts = ("kind", "true_plays", "doubled_rows", "shifted_rows", "zero_length_rows")
        return {
            **{name: getattr(self, name) for name in counts},
            "rows": self.rows,
            "files": {name: len(rows) for name, rows in self.files.items()},
        }

    def write(self, target: Path) -> Path:
        """Write a zip if `target` ends in .zip, else a folder. Returns `target`. Raises OSError."""
        read_me = {f"{FOLDERS[self.kind]}/ReadMeFirst.pdf": b"%PDF-1.4 (sandbox)\n"}
        every: dict[str, Any] = {**self.files, **self.others}
        texts = {name: json.dumps(content, ensure_ascii=False, indent=1) for name, content in every.items()}
        contents = {name: text.encode() for name, text in texts.items()} | read_me
        target.parent.mkdir(parents=True, exist_ok=True)
        if target.suffix == ".zip":
            with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
                for name, content in contents.items():
                    archive.writestr(name, content)
            return target
        for name, content in contents.items():
            path = target / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        return target


def make_export(
    account: Account,
    kind: ExportKind = "extended",
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    quirks: Quirks | None = None,
    seed: int = 1,
) -> Export:
    """Return an export of the plays with `since` <= end < `until` (default: all, or the last year)."""
    last = until or account.now + timedelta(seconds=1)
    first = since or (last - ONE_YEAR if kind.startswith("account") else datetime(2006, 1, 1, tzinfo=UTC))
    plays = [play for play in account.plays if first <= play.ended_at < last]
    writer = _Writer(account, kind, quirks or Quirks(), Random(f"export {kind} {seed}"))
    return writer.account_data(plays) if kind.startswith("account") else writer.history(plays)


class _Writer:
    def __init__(self, account: Account, kind: ExportKind, quirks: Quirks, rng: Random) -> None:
        self.account = account
        self.kind = kind
        self.quirks = quirks
        self.rng = rng
        self.export = Export(kind)
        self.is_old = kind in ("endsong", "account-old")

    # -- extended history

    def history(self, plays: Sequence[Play]) -> Export:
        """Return the extended history of these plays."""
        export = self.export
        export.true_plays = len(plays)
        audio = self._with_quirks([self._row(play) for play in plays if not play.is_video])
        video = [self._row(play) for play in plays if play.is_video]
        for part, (name, rows) in enumerate(self._audio_files(audio)):
            repeated = self._chosen(rows, self.quirks.doubled_across_files) if part else []
            export.doubled_rows += len(repeated)
            # these rows stand in two files: at the end of one, and in the next
            export.files[f"{FOLDERS[self.kind]}/{name}"] = rows
            if repeated:
                previous = list(export.files)[-2]
                export.files[previous] = export.files[previous] + repeated
        if video:
            name = "endvideo_0.json" if self.is_old else f"Streaming_History_Video_{_years(video)}.json"
            export.files[f"{FOLDERS[self.kind]}/{name}"] = video
        return export

    def _audio_files(self, rows: list[Row]) -> Iterable[tuple[str, list[Row]]]:
        rows.sort(key=lambda row: str(row["ts"]))
        for number, at in enumerate(range(0, max(1, len(rows)), ROWS_PER_FILE)):
            chunk = rows[at : at + ROWS_PER_FILE]
            if self.is_old:
                yield f"endsong_{number}.json", chunk
            else:
                yield f"Streaming_History_Audio_{_years(chunk)}_{number}.json", chunk

    def _chosen(self, rows: list[Row], share: float) -> list[Row]:
        return [row for row in rows if share and self.rng.random() < share]

    def _with_quirks(self, rows: list[Row]) -> list[Row]:
        doubled = [dict(row) for row in self._chosen(rows, self.quirks.doubled)]
        shifted = []
        for row in self._chosen(rows, self.quirks.shifted):
            moment = datetime.strptime(row["ts"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
            moment += timedelta(seconds=self.rng.randint(55, 65))
            shifted.append({**row, "ts": _to_second(moment)})
        empty = [
            {**row, "ms_played": 0, "reason_end": "trackerror", "skipped": False}
            for row in self._chosen(rows, self.quirks.zero_length)
        ]
        self.export.doubled_rows += len(doubled)
        self.export.shifted_rows += len(shifted)
        self.export.zero_length_rows += len(empty)
        return [*rows, *doubled, *shifted, *empty]

    def _row(self, play: Play) -> Row:
        ended_at = play.uploaded_at or play.ended_at
        platform = LONG_PLATFORMS.get(play.platform, play.platform) if self.is_old else play.platform
        row: Row = {"ts": _to_second(ended_at)}
        if self.is_old:
            row["username"] = self.account.profile.id
        row |= {
            "platform": platform,
            "ms_played": play.ms_played,
            "conn_country": self.account.profile.country,
        }
        if self.is_old:
            row |= {"ip_addr_decrypted": "203.0.113.7", "user_agent_decrypted": "unknown", "city": None}
        else:
            row["ip_addr"] = "203.0.113.7"
        row |= self._names(play)
        row |= {
            **self._reasons(play, ended_at),
            "shuffle": play.is_shuffled,
            "skipped": self._skipped(play),
            "offline": play.is_offline,
            "offline_timestamp": self._offline_timestamp(play),
            "incognito_mode": play.is_incognito,
        }
        return row

    def _reasons(self, play: Play, ended_at: datetime) -> Row:
        if ended_at.year in self.quirks.years_without_reasons:
            return {"reason_start": "none", "reason_end": "none"}
        return {"reason_start": play.reason_start, "reason_end": play.reason_end}

    def _skipped(self, play: Play) -> bool | None:
        if self.is_old or play.ended_at < SKIPS_RECORDED_SINCE:
            return False
        return None if self.rng.random() < self.quirks.skipped_null else play.is_skipped

    def _offline_timestamp(self, play: Play) -> int | None:
        """Return when the play began: milliseconds in the old format, else seconds.

        Online plays may have it too.
        """
        if self.quirks.odd_offline_times and self.rng.random() < self.quirks.odd_offline_times:
            began_at_ms = round(play.ended_at.timestamp() * 1000) - play.ms_played
            return self.rng.choice((self.rng.randrange(100), began_at_ms))
        if not play.is_offline and self.rng.random() < 0.5:  # noqa: PLR2004
            return 0 if self.is_old else None
        began_at = play.ended_at - timedelta(milliseconds=play.ms_played)
        return round(began_at.timestamp() * (1000 if self.is_old else 1))

    def _names(self, play: Play) -> Row:
        names: Row = {
            "master_metadata_track_name": None,
            "master_metadata_album_artist_name": None,
            "master_metadata_album_album_name": None,
            "spotify_track_uri": None,
            "episode_name": None,
            "episode_show_name": None,
            "spotify_episode_uri": None,
        }
        if not self.is_old:
            names |= dict.fromkeys(
                ("audiobook_title", "audiobook_uri", "audiobook_chapter_uri", "audiobook_chapter_title")
            )
        identifier = play.uri.rpartition(":")[2]
        track, episode = self.account.tracks.get(identifier), self.account.episodes.get(identifier)
        chapter = self.account.chapters.get(identifier)
        if track is not None:
            album = self.account.albums[track.album_id]
            names["master_metadata_track_name"] = track.name
            names["master_metadata_album_artist_name"] = self.account.artists[album.artist_ids[0]].name
            names["master_metadata_album_album_name"] = album.name
            names["spotify_track_uri"] = track.uri
        elif episode is not None:
            names["episode_name"] = episode.name
            names["episode_show_name"] = episode.show_name
            names["spotify_episode_uri"] = episode.uri
        elif chapter is not None and not self.is_old:
            names["audiobook_title"] = chapter.book_name
            names["audiobook_uri"] = f"spotify:show:{opaque_id('audiobook', chapter.book_name)}"
            names["audiobook_chapter_uri"] = chapter.uri
            names["audiobook_chapter_title"] = chapter.name
        if not self.quirks.has_uris:
            del names["spotify_track_uri"], names["spotify_episode_uri"]
        return names

    # -- one-year account data

    def account_data(self, plays: Sequence[Play]) -> Export:
        """Return the one-year account data of these plays, with library and playlists."""
        export, folder = self.export, FOLDERS[self.kind]
        export.true_plays = len(plays)
        rows_by_kind: dict[str, list[Row]] = {"music": [], "podcast": [], "audiobook": []}
        for play in plays:
            kind, names = self._account_names(play)
            if kind in rows_by_kind:
                ended_at = (play.uploaded_at or play.ended_at).astimezone(UTC)
                row = {"endTime": ended_at.strftime("%Y-%m-%d %H:%M"), **names, "msPlayed": play.ms_played}
                rows_by_kind[kind].append(row)
        stem = "StreamingHistory_music_"
        if self.is_old:
            stem = "StreamingHistory"
            both = [*rows_by_kind["music"], *rows_by_kind.pop("podcast")]
            rows_by_kind = {"music": sorted(both, key=lambda row: str(row["endTime"])), "audiobook": []}
        music = rows_by_kind.pop("music")
        for number, at in enumerate(range(0, max(1, len(music)), ACCOUNT_ROWS_PER_FILE)):
            export.files[f"{folder}/{stem}{number}.json"] = music[at : at + ACCOUNT_ROWS_PER_FILE]
        export.files |= {
            f"{folder}/StreamingHistory_{kind}_0.json": rows for kind, rows in rows_by_kind.items() if rows
        }
        export.others[f"{folder}/YourLibrary.json"] = self._library()
        export.others[f"{folder}/Playlist1.json"] = {
            "playlists": [
                {"name": one.name, "items": [{"trackUri": uri} for uri in one.uris], "numberOfFollowers": 0}
                for one in self.account.playlists.values()
                if one.owner_id == self.account.profile.id
            ]
        }
        return export

    def _account_names(self, play: Play) -> tuple[str, Row]:
        """Return the play's kind and its names. The kind is "" for a play that this export leaves out."""
        account, identifier = self.account, play.uri.rpartition(":")[2]
        if track := account.tracks.get(identifier):
            artist = account.artists[account.albums[track.album_id].artist_ids[0]]
            return "music", {"artistName": artist.name, "trackName": track.name}
        if episode := account.episodes.get(identifier):
            return "podcast", {"podcastName": episode.show_name, "episodeName": episode.name}
        if chapter := account.chapters.get(identifier):
            return "audiobook", {
                "authorName": chapter.author_name,
                "audiobookName": chapter.book_name,
                "chapterName": chapter.name,
            }
        return "", {}

    def _library(self) -> Row:
        account = self.account
        tracks = [account.tracks[like.track_id] for like in account.likes]
        return {
            "tracks": [
                {
                    "artist": account.artists[track.artist_ids[0]].name,
                    "album": account.albums[track.album_id].name,
                    "track": track.name,
                    "uri": track.uri,
                }
                for track in tracks
            ],
            "albums": [
                {"album": account.albums[one].name, "uri": f"spotify:album:{one}"}
                for one in account.saved_album_ids
            ],
        }


def _to_second(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _years(rows: list[Row]) -> str:
    if not rows:
        return "2026"
    first, last = str(rows[0]["ts"])[:4], str(rows[-1]["ts"])[:4]
    return first if first == last else f"{first}-{last}"
