"""A random history of a library and its plays, in raw tables: whatever may happen between two builds."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import TYPE_CHECKING, Any

from psycopg2 import sql
from psycopg2.extras import execute_values

from extract.history import import_history
from extract.loading.filling import filled
from extract.loading.stored_payloads import stored_payloads
from extract.loading.tables import (
    ARTISTS,
    FILLED,
    LIBRARY_REMOVALS,
    LIKED_TRACKS,
    PLAYLIST_ITEMS,
    RECENTLY_PLAYED,
    SAVED_ALBUMS,
    TRACK_AVAILABILITY,
    RawTable,
)
from playlists.recordings import RecordingError, decide
from sandbox.account.export import make_export
from tests.dbt.lives import NOON, Life, live
from tests.dbt.payloads import execute

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from profiles.database import Database

Json = dict[str, Any]

DAYS = 60
EMPTIED: tuple[Json, ...] = (
    {"name": "", "artists": [], "album": None, "external_ids": {}, "duration_ms": 0},
    {"name": ""},
    {"artists": []},
    {"external_ids": {}},
    {"album": None},
)


@dataclass
class RandomLife:
    """A life that is told step by step; `now` is how far it has come. The same seed tells the same."""

    database: Database
    folder: Path
    seed: int
    steps: int
    life: Life = field(init=False)
    now: datetime = field(init=False)
    emptied: dict[str, Json] = field(default_factory=dict)
    liked: dict[str, datetime] = field(default_factory=dict)
    saved: dict[str, datetime] = field(default_factory=dict)
    late: list[tuple[str, datetime]] = field(default_factory=list)
    _loads: int = 0

    def __post_init__(self) -> None:
        self.dice = Random(f"life {self.seed}")
        self.life = live(self.database, years=DAYS / 365, seed=self.seed)
        self.now = NOON - timedelta(days=DAYS)
        self.tracks = sorted(self.life.account.tracks)
        self._events: list[Callable[[], None]] = [
            self.import_export,
            self.import_twice_with_other_names,
            self.rename,
            self.take_down,
            self.restore,
            self.unlike,
            self.like_again,
            self.unsave,
            self.merge_or_split,
            self.undo_decision,
            self.answer_about_availability,
            self.hide_an_exclusion,
            self.play_with_a_wrong_clock,
            self.read_artists,
        ]

    def step(self) -> None:
        """Live on: likes, polls and some of all that may happen; each kind within three steps."""
        since = self.now
        self.now = min(NOON, since + timedelta(days=DAYS) / self.steps)
        self.like(self.dice.sample(self.tracks, 25))
        self.save()
        self.poll(since)
        events = list(self._events)
        self.dice.shuffle(events)
        self._events = events[len(events) // 2 :] + events[: len(events) // 2]
        for happen in events[: len(events) // 2 + 2]:
            happen()
        self.see_the_library()

    # -- the library

    def like(self, track_ids: Iterable[str]) -> None:
        """Like these."""
        for track_id in track_ids:
            self.liked.setdefault(track_id, self._moment())

    def unlike(self) -> None:
        """Take likes back; one returns at once, with its old date."""
        gone = self.dice.sample(sorted(self.liked), 6)
        self._remove("track", {one: self.liked.pop(one) for one in gone[1:]})
        self._remove("track", {gone[0]: self.liked[gone[0]]}, "removed", "returned")

    def like_again(self) -> None:
        """Like what was liked before, with a new date."""
        track_id = self.dice.choice(sorted(self.liked))
        self._remove("track", {track_id: self.liked[track_id]})
        self.liked[track_id] = self._moment()

    def save(self) -> None:
        """Save two albums."""
        albums = self.life.account.albums
        whole = sorted(one for one, album in albums.items() if album.track_ids)
        for album_id in self.dice.sample(whole, 2):
            self.saved.setdefault(album_id, self._moment())

    def unsave(self) -> None:
        """Take an album back."""
        album_id = self.dice.choice(sorted(self.saved))
        self._remove("album", {album_id: self.saved.pop(album_id)})

    def see_the_library(self) -> None:
        """Load it as it shows today, as extract does: what was emptied is filled from what is stored."""
        likes = [
            {"track_id": one, "added_at": added_at, "payload": {"track": self.shown(one)}}
            for one, added_at in self.liked.items()
        ]
        self._load(LIKED_TRACKS, self._with_filled(LIKED_TRACKS, likes))
        albums = []
        for one, added_at in self.saved.items():
            tracks = [self.shown(track_id) for track_id in self.life.account.albums[one].track_ids]
            simple = [
                {key: value for key, value in track.items() if key not in ("album", "external_ids")}
                for track in tracks
            ]
            first = self.life.payload(self.life.account.albums[one].track_ids[0])
            album = {**first["album"], "tracks": {"items": simple, "total": len(simple)}}
            albums.append({"album_id": one, "added_at": added_at, "payload": {"album": album}})
        self._load(SAVED_ALBUMS, self._with_filled(SAVED_ALBUMS, albums))

    # -- plays

    def poll(self, since: datetime) -> None:
        """Load what polls of this time have seen, but for a gap; some of it is told a step later."""
        gap = self._moment(since)
        told, self.late = self.late, []
        for report in self.life.account.reports:
            if since <= report.visible_at < self.now and abs(report.visible_at - gap) > timedelta(hours=12):
                one = (report.track_id, report.played_at)
                (self.late if self.dice.random() < 0.03 else told).append(one)
        third = len(told) // 3 + 1
        for start in range(0, len(told), third):
            self._load(RECENTLY_PLAYED, [self._play(*one) for one in told[start : start + third]])
        execute(
            self.database,
            "insert into ops.play_polls (polled_at, outcome, item_count, new_count, oldest_played_at,"
            " newest_played_at, gap_suspected) values (%s, 'new', 50, 50, %s, %s, %s)",
            [self.now, since, self.now, self.dice.random() < 0.3],
        )

    def play_with_a_wrong_clock(self) -> None:
        """A play that says that it was the day after tomorrow."""
        track_id = self.dice.choice(self.tracks)
        self._load(RECENTLY_PLAYED, [self._play(track_id, self.now + timedelta(days=2))])

    def import_export(self) -> None:
        """Import an export of some era that covers some of what was, told by names of today."""
        kind: Any = self.dice.choice(["extended", "endsong", "account", "extended"])
        self._import(kind, self._moment(NOON - timedelta(days=DAYS)))

    def import_twice_with_other_names(self) -> None:
        """Import some of what was, rename songs, and import it as it is told now, to the minute."""
        since = self._moment(NOON - timedelta(days=DAYS))
        self._import("extended", since)
        for track_id in self._heard_and_liked(20):
            track = self.life.account.tracks[track_id]
            track.name = f"{track.name} {self.dice.choice(['III', 'Redux', 'Ω'])}"
        self._import("account", since)

    def _import(self, kind: Any, since: datetime) -> None:
        number = self.dice.randrange(1_000_000)
        made = make_export(self.life.account, kind, since=since, until=self.now, seed=number)
        if made.rows:
            import_history(self.life.session, made.write(self.folder / f"{self.seed}-{number}.zip"))

    # -- what Spotify does

    def rename(self) -> None:
        """Give songs and an artist another name."""
        for track_id in self._heard_and_liked(8):
            track = self.life.account.tracks[track_id]
            track.name = f"{track.name} {self.dice.choice(['II', '(Remastered)', 'Ω'])}"
        artist = self.life.account.artists[self.dice.choice(sorted(self.life.account.artists))]
        artist.name = artist.name.upper()

    def take_down(self) -> None:
        """Empty songs, in some way; they are played once more."""
        gone = self._heard_and_liked(12)
        self.emptied.update({track_id: self.dice.choice(EMPTIED) for track_id in gone})
        self._load(RECENTLY_PLAYED, [self._play(one, self._moment()) for one in gone])

    def restore(self) -> None:
        """Give some of them back."""
        for track_id in self.dice.sample(sorted(self.emptied), len(self.emptied) // 2):
            del self.emptied[track_id]

    def read_artists(self) -> None:
        """Look artists up; some have no name any more."""
        some = self.dice.sample(sorted(self.life.account.artists.values(), key=lambda one: one.id), 10)
        rows = [
            {
                "artist_id": artist.id,
                "payload": {
                    "id": artist.id,
                    "name": self.dice.choice(["", artist.name]),
                    "genres": artist.genres,
                },
                "fetched_at": self.now,
            }
            for artist in some
        ]
        self._load(ARTISTS, self._with_filled(ARTISTS, rows))

    def answer_about_availability(self) -> None:
        """Some tracks play, some do not."""
        rows = [
            {
                "track_id": track_id,
                "market": "GB",
                "is_playable": self.dice.choice([True, False]),
                "checked_at": self.now,
            }
            for track_id in self.dice.sample(sorted(self.liked), 10)
        ]
        self._load(TRACK_AVAILABILITY, rows)

    # -- what the user decides

    def merge_or_split(self) -> None:
        """Decide about two pairs of tracks; editions of one recording are split."""
        by_isrc: dict[str | None, list[str]] = {}
        for track_id in self.tracks:
            by_isrc.setdefault(self.life.account.tracks[track_id].isrc, []).append(track_id)
        editions = [ids for ids in by_isrc.values() if len(ids) > 1]
        one, other = self._heard_and_liked(2)
        decide(self.database, "merge", one, other, "one song")
        if editions:
            one, other = self.dice.sample(self.dice.choice(editions), 2)
            with suppress(RecordingError):  # of an edition that nobody has heard yet
                decide(self.database, "split", one, other, "two songs")

    def undo_decision(self) -> None:
        """Take the oldest decision back."""
        execute(
            self.database,
            "delete from ops.recording_overrides"
            " where created_at = (select min(created_at) from ops.recording_overrides)",
        )

    def hide_an_exclusion(self) -> None:
        """The exclusions playlist holds other entries than before, one of them null."""
        execute(
            self.database,
            "insert into ops.playlists (slug, playlist_id, name) values ('exclusions', 'x', 'x')"
            " on conflict do nothing",
        )
        execute(self.database, "delete from raw_spotify.playlist_items")
        held = [*self.dice.sample(self.tracks, 3), None]
        rows = [
            {
                "playlist_id": "x",
                "position": position,
                "snapshot_id": "s",
                "uri": one and f"spotify:track:{one}",
                "added_at": None,
                "payload": {"item": one and self.shown(one)},
            }
            for position, one in enumerate(held)
        ]
        self._load(PLAYLIST_ITEMS, rows)

    # -- raw rows

    def shown(self, track_id: str) -> Json:
        """The track object as Spotify shows it now."""
        return {**self.life.payload(track_id), **self.emptied.get(track_id, {})}

    def _play(self, track_id: str, played_at: datetime) -> Json:
        payload = {"track": self.shown(track_id), "played_at": played_at.isoformat()}
        return {"played_at": played_at, "track_uri": f"spotify:track:{track_id}", "payload": payload}

    def _heard_and_liked(self, count: int) -> list[str]:
        heard = {play.uri.rpartition(":")[2] for play in self.life.account.plays if play.ended_at < self.now}
        return self.dice.sample(sorted(heard & set(self.tracks)), count)

    def _moment(self, since: datetime | None = None) -> datetime:
        since = since or self.now - timedelta(days=1)
        return since + (self.now - since) * self.dice.random()

    def _remove(self, kind: str, entries: dict[str, datetime], *events: str) -> None:
        rows = [
            {
                "kind": kind,
                "id": id_,
                "added_at": added_at,
                "event": event,
                "noticed_at": self.now + timedelta(seconds=place),
            }
            for id_, added_at in entries.items()
            for place, event in enumerate(events or ("removed",))
        ]
        self._load(LIBRARY_REMOVALS, rows)

    def _with_filled(self, table: RawTable, rows: list[Json]) -> list[Json]:
        stored = stored_payloads(self.database, table)
        best = {key: one.best for key, one in stored.items()}
        return [{**row, FILLED: filled(row["payload"], best.get(row[table.key[0]]))} for row in rows]

    def _load(self, table: RawTable, rows: list[Json]) -> None:
        """Merge rows by their key, in a load of their own, as dlt leaves them."""
        if not rows:
            return
        self._loads += 1
        load_id = f"{1_700_000_000 + self._loads}.5"
        columns = [name for name in table.columns if name != "is_gone"]
        name = sql.Identifier("raw_spotify", table.name)
        key = sql.SQL(", ").join(map(sql.Identifier, table.key))
        with self.database.transaction() as cursor:
            for row in rows:
                condition = sql.SQL(" and ").join(
                    sql.SQL("{} = {}").format(sql.Identifier(one), sql.Literal(row[one])) for one in table.key
                )
                cursor.execute(sql.SQL("delete from {} where {}").format(name, condition))
            execute_values(
                cursor,
                sql.SQL(
                    "insert into {} ({}, _dlt_load_id, _dlt_id) values %s on conflict ({}) do nothing"
                ).format(name, sql.SQL(", ").join(map(sql.Identifier, columns)), key),
                [
                    (*(_stored(row.get(column)) for column in columns), load_id, f"{load_id}-{place}")
                    for place, row in enumerate(rows)
                ],
            )
            cursor.execute(
                "insert into raw_spotify._dlt_loads (load_id, schema_name, status, inserted_at,"
                " schema_version_hash) values (%s, 'test', 0, now(), '')",
                [load_id],
            )


def _stored(value: Any) -> Any:
    return json.dumps(value) if isinstance(value, dict) else value
