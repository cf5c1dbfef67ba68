"""The page *Diagnostics*: what is doubtful, outdated, missing or not playable, with what to do about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from flows.views import health
from flows.views.frame import DIAGNOSTICS
from flows.views.library import checks_table
from flows.views.markdown import counted, day, escape, link, moment, name, number, share, table, titled
from flows.views.pages import Page

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from flows.views.frame import Frame
    from flows.views.health import Check
    from flows.views.rows import Reader

SHOWN = 20


@dataclass(frozen=True)
class DoubtfulPair:
    """One row of `analytics.duplicate_recordings`."""

    track_id: str
    title: str | None
    artist: str | None
    album: str | None
    play_count: int
    other_track_id: str
    other_title: str | None
    other_artist: str | None
    other_album: str | None
    other_play_count: int
    doubt: str
    is_merged: bool
    merge_command: str
    split_command: str


@dataclass(frozen=True)
class OutdatedAlbum:
    """One row of `analytics.outdated_albums`: a saved edition that Spotify has replaced."""

    album_id: str
    album: str | None
    artist: str | None
    reason: str
    newer_album_id: str | None
    newer_album: str | None
    unplayable_track_count: int | None
    track_count: int | None


@dataclass(frozen=True)
class IncompleteAlbum:
    """One row of `analytics.incomplete_albums`."""

    album_id: str
    album: str | None
    artist: str | None
    total_tracks: int
    known_track_count: int
    missing_track_count: int


@dataclass(frozen=True)
class UnavailableTrack:
    """One row of `analytics.unavailable_tracks`."""

    track_id: str
    title: str | None
    artist: str | None
    album: str | None
    reason: str | None
    checked_at: datetime | None
    playable_track_id: str | None
    playable_album: str | None


@dataclass(frozen=True)
class Gap:
    """One row of `analytics.history_gaps` that nothing has closed."""

    kind: str
    began_at: datetime
    ended_at: datetime
    gap_minutes: int


@dataclass(frozen=True)
class ApiField:
    """One row of `analytics.api_fields`: a field that we rely on and that no longer comes."""

    resource: str
    path: str
    last_seen: datetime | None
    rows_since_seen: int
    null_rate: float | None


@dataclass(frozen=True)
class Diagnostics:
    """Everything that the page shows."""

    checks: list[Check]
    pairs: list[DoubtfulPair]
    outdated: list[OutdatedAlbum]
    incomplete: list[IncompleteAlbum]
    unavailable: list[UnavailableTrack]
    gaps: list[Gap]
    fields: list[ApiField]


def read(reader: Reader) -> Diagnostics:
    """Read what the page shows."""
    return Diagnostics(
        checks=health.read_checks(reader),
        pairs=reader.rows(
            DoubtfulPair,
            "analytics.duplicate_recordings",
            "order by play_count + other_play_count desc, track_id, other_track_id",
        ),
        outdated=reader.rows(OutdatedAlbum, "analytics.outdated_albums", "order by album, album_id"),
        incomplete=reader.rows(IncompleteAlbum, "analytics.incomplete_albums", "order by album, album_id"),
        unavailable=reader.rows(UnavailableTrack, "analytics.unavailable_tracks", "order by title, track_id"),
        gaps=reader.rows(
            Gap,
            "analytics.history_gaps",
            "where is_loss_possible and not is_closed order by began_at desc",
        ),
        fields=reader.rows(ApiField, "analytics.api_fields", "where is_dried_up order by resource, path"),
    )


def page(found: Diagnostics, frame: Frame) -> Page:
    """Return the page."""
    lines = [
        frame.menu(DIAGNOSTICS),
        "",
        "# Diagnostics",
        "",
        f"**{escape(health.headline(found.checks))}** As of {moment(frame.now, frame.zone)}.",
        "",
        *checks_table(found.checks, frame),
        *_pairs(found.pairs, frame),
        *_outdated(found.outdated, frame),
        *_incomplete(found.incomplete, frame),
        *_unavailable(found.unavailable, frame),
        *_gaps(found.gaps, frame),
        *_fields(found.fields, frame),
    ]
    return Page(DIAGNOSTICS, "Diagnostics: what is doubtful, missing or outdated", "\n".join(lines) + "\n")


def _section(
    heading: str, nothing: str, about: str, heads: Sequence[str], rows: Sequence[Sequence[str]]
) -> list[str]:
    """Return a heading with its first rows and how many more there are; without rows a sentence."""
    if not rows:
        return [f"## {heading}", "", nothing, ""]
    more = [f"… and {counted(len(rows) - SHOWN, 'more', 'more')}.", ""] if len(rows) > SHOWN else []
    title = f"## {heading} ({number(len(rows))})"
    return [title, "", *([about, ""] if about else []), *table(heads, rows[:SHOWN]), "", *more]


def _pairs(pairs: Sequence[DoubtfulPair], frame: Frame) -> list[str]:
    rows = [
        (
            titled(each.title, frame.spotify.track(each.track_id), each.artist, each.album),
            number(each.play_count),
            titled(
                each.other_title,
                frame.spotify.track(each.other_track_id),
                each.other_artist,
                each.other_album,
            ),
            number(each.other_play_count),
            f"{escape(each.doubt.replace('_', ' '))}; counted as {'one' if each.is_merged else 'two'}",
            f"`{each.split_command if each.is_merged else each.merge_command}`",
        )
        for each in pairs
    ]
    return _section(
        "One recording or two?",
        "No pair of tracks is doubtful.",
        "Decide with decide-recording or with the command beside the pair; each decision can be taken back.",
        ("track", "plays:", "other track", "plays:", "doubt", "to change it"),
        rows,
    )


def _outdated(albums: Sequence[OutdatedAlbum], frame: Frame) -> list[str]:
    rows = [
        (
            titled(each.album, frame.spotify.album(each.album_id), each.artist),
            escape(each.reason),
            link(name(each.newer_album), frame.spotify.album(each.newer_album_id))
            if each.newer_album_id
            else "",
            f"{number(each.unplayable_track_count)} of {number(each.track_count)}",
        )
        for each in albums
    ]
    heads = ("saved album", "why", "newer edition", "tracks not playable")
    return _section("Outdated albums", "No saved album has been replaced by Spotify.", "", heads, rows)


def _incomplete(albums: Sequence[IncompleteAlbum], frame: Frame) -> list[str]:
    rows = [
        (
            titled(each.album, frame.spotify.album(each.album_id), each.artist),
            number(each.total_tracks),
            number(each.known_track_count),
            number(each.missing_track_count),
        )
        for each in albums
    ]
    heads = ("saved album", "tracks:", "known:", "missing:")
    return _section("Incomplete albums", "Every track of every saved album is known.", "", heads, rows)


def _unavailable(tracks: Sequence[UnavailableTrack], frame: Frame) -> list[str]:
    rows = [
        (
            titled(each.title, frame.spotify.track(each.track_id), each.artist),
            name(each.album, longest=40),
            escape(each.reason or ""),
            link(name(each.playable_album), frame.spotify.track(each.playable_track_id))
            if each.playable_track_id
            else "none known",
            moment(each.checked_at, frame.zone),
        )
        for each in tracks
    ]
    return _section(
        "Tracks that cannot be played",
        "No track of the library is known to be unplayable.",
        "",
        ("track", "album", "why", "edition that plays", "asked"),
        rows,
    )


def _gaps(gaps: Sequence[Gap], frame: Frame) -> list[str]:
    rows = [
        (
            moment(each.began_at, frame.zone),
            moment(each.ended_at, frame.zone),
            number(each.gap_minutes),
            escape(each.kind.replace("_", " ")),
        )
        for each in gaps
    ]
    return _section(
        "Gaps in the record",
        "No gap is open: polls or exports cover the whole time.",
        "Plays of these times may be missing. An import of your export (import-history) closes them.",
        ("from", "to", "minutes:", "why"),
        rows,
    )


def _fields(fields: Sequence[ApiField], frame: Frame) -> list[str]:
    rows = [
        (
            f"`{each.resource}`",
            f"`{each.path}`",
            day(each.last_seen.astimezone(frame.zone) if each.last_seen else None),
            number(each.rows_since_seen),
            share(each.null_rate),
        )
        for each in fields
    ]
    return _section(
        "Fields that Spotify no longer sends",
        "Every field of Spotify's answers that the tracker relies on still comes.",
        "The last known values stay in use.",
        ("resource", "field", "last seen", "rows since:", "empty:"),
        rows,
    )
