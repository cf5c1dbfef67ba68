"""The page *Playlists*, and a page for each playlist that has ever been on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flows.views.diffs import spoken
from flows.views.frame import PLAYLISTS, playlist_name
from flows.views.markdown import (
    COVER_COLUMN,
    counted,
    cover,
    escape,
    link,
    moment,
    name,
    number,
    table,
    titled,
)
from flows.views.pages import Page
from flows.views.playlist_rows import OFF, has_page
from playlists.rules.rule import read_rule
from playlists.slugs import EXCLUSIONS
from profiles.errors import InputError

if TYPE_CHECKING:
    from flows.views.frame import Frame
    from flows.views.playlist_rows import ChangedTrack, Playlists
    from playlists.standing import Standing

SHOWN_CHANGES = 30
STATE_WORDS = {
    "active": "on",
    "off": OFF,
    "not created yet": "on, not on Spotify yet",
    "deleted_on_spotify": "deleted on Spotify",
}


def overview(found: Playlists, frame: Frame) -> Page:
    """Return the page of all playlists."""
    ours = [each for each in found.standings if each.slug != EXCLUSIONS]
    shown = sorted(ours, key=lambda each: (each.state == OFF, each.name.casefold()))
    on = [each for each in shown if each.state != OFF]
    off = [each for each in shown if each.state == OFF]
    heads = ("playlist", "tracks:", "state", "last change", "last push")
    lines = [
        frame.menu(PLAYLISTS),
        "",
        "# Playlists",
        "",
        f"**{len(on)} on**, {len(off)} off. {escape(found.next_push)}",
        "",
    ]
    lines += _exclusions(found, frame)
    if not ours:
        lines += ["No playlist has been built yet: sign in, then run initial-sync."]
    if on:
        lines += table(heads, [_row(each, found, frame) for each in on])
    if off:
        lines += [
            "",
            "## Switched off",
            "",
            "`tracker playlists resume SLUG` switches one on.",
            "",
        ]
        lines += table(
            ("playlist", "would hold:", "what it is", "slug"),
            [
                (
                    _title(each, frame),
                    number(each.selected),
                    escape(found.descriptions.get(each.slug, "")),
                    f"`{each.slug}`",
                )
                for each in off
            ],
        )
    return Page(PLAYLISTS, "Playlists: all of them, and what the last push did", "\n".join(lines) + "\n")


def _exclusions(found: Playlists, frame: Frame) -> list[str]:
    each = next((each for each in found.standings if each.slug == EXCLUSIONS and each.playlist_id), None)
    if each is None:
        return []
    where = link(name(each.name), frame.spotify.playlist(each.playlist_id))
    return [f"What you drag into the playlist {where} is in none of them.", ""]


def _row(each: Standing, found: Playlists, frame: Frame) -> tuple[str, ...]:
    change = found.changes.get(each.slug)
    what = f"+{number(len(change.added))} −{number(len(change.removed))}" if change else ""
    return (
        _title(each, frame),
        number(each.selected),
        _state(each),
        f"{what}, {moment(change.started_at, frame.zone)}" if change else "",
        moment(each.last_push_at, frame.zone),
    )


def _title(each: Standing, frame: Frame) -> str:
    text = name(each.name)
    if has_page(each):
        text = frame.page(text, playlist_name(each.slug))
    address = frame.spotify.playlist(each.playlist_id)
    return f"{text} ({link('Spotify', address)})" if address else text


def _state(each: Standing) -> str:
    words = STATE_WORDS.get(each.state, each.state)
    return f"{words}: {escape(each.why)}" if each.why else words


def page(each: Standing, found: Playlists, frame: Frame) -> Page:
    """Return the page of one playlist."""
    facts = [
        link("Open in Spotify", frame.spotify.playlist(each.playlist_id)) if each.playlist_id else "",
        counted(each.selected, "track"),
        _state(each),
        f"last push {moment(each.last_push_at, frame.zone)}" if each.last_push_at else "",
        f"slug `{each.slug}`",
    ]
    lines = [
        frame.menu(playlist_name(each.slug)),
        "",
        f"# {name(each.name)}",
        "",
        " · ".join(fact for fact in facts if fact),
        "",
        *_rule(each, found),
        "",
        *_changes(each, found, frame),
        *_tracks(each, found, frame),
        *_history(each, found, frame),
    ]
    return Page(playlist_name(each.slug), f"Playlist: {each.name}", "\n".join(lines) + "\n")


def _rule(each: Standing, found: Playlists) -> list[str]:
    if each.rule is None:
        return [escape(found.descriptions.get(each.slug, ""))]
    try:
        rule = read_rule(each.rule.document)
    except InputError as error:
        return [escape(str(error))]
    return [f"Version {each.rule.version} of its rule:", "", *spoken(rule.group)]


def _changes(each: Standing, found: Playlists, frame: Frame) -> list[str]:
    change = found.changes.get(each.slug)
    if change is None:
        return ["## Last change", "", "No push has changed it yet.", ""]
    lines = [f"## Last change: push {change.push_id}, {moment(change.started_at, frame.zone)}", ""]
    rows = [("added", uri) for uri in change.added] + [("removed", uri) for uri in change.removed]
    if not rows:
        return [*lines, "Only the order has changed.", ""]
    cells = [(kind, *_changed(found.names.get(uri), uri, frame)) for kind, uri in rows[:SHOWN_CHANGES]]
    lines += table(("", "track", "album", "plays:", "last played"), cells)
    if len(rows) > SHOWN_CHANGES:
        lines += ["", f"… and {counted(len(rows) - SHOWN_CHANGES, 'more track')}."]
    return [*lines, ""]


def _changed(track: ChangedTrack | None, uri: str, frame: Frame) -> tuple[str, ...]:
    if track is None:
        return link(escape(uri), frame.spotify.track(uri)), "", "", ""
    return (
        titled(track.title, frame.spotify.track(uri), track.artist),
        name(track.album, longest=40),
        number(track.play_count),
        moment(track.last_played_at, frame.zone),
    )


def _tracks(each: Standing, found: Playlists, frame: Frame) -> list[str]:
    tracks = found.tracks.get(each.slug, [])
    if not tracks:
        return ["## What it holds", "", "Nothing is selected now.", ""]
    rows = [
        (
            number(track.position),
            cover(track.album_image_url, track.album, frame.spotify.track(track.track_id)),
            titled(track.title, frame.spotify.track(track.track_id), track.artist),
            name(track.album, longest=40),
            number(track.play_count),
            moment(track.last_played_at, frame.zone),
        )
        for track in tracks
    ]
    more = (each.selected or 0) - len(tracks)
    heads = (":", COVER_COLUMN, "track", "album", "plays:", "last played")
    lines = ["## What it holds", "", *table(heads, rows), ""]
    return [*lines, f"… and {counted(more, 'more track')}.", ""] if more > 0 else lines


def _history(each: Standing, found: Playlists, frame: Frame) -> list[str]:
    pushes = found.history.get(each.slug, [])
    if not pushes:
        return []
    rows = [
        (
            number(push.push_id),
            moment(push.started_at, frame.zone),
            push.status + (f": {escape(push.error)}" if push.error else ""),
            number(push.track_count),
            number(push.calls),
            f"takes back push {push.undo_of}" if push.undo_of else escape(push.reason or ""),
        )
        for push in pushes
    ]
    return [
        "## History",
        "",
        f"undo-playlist, or `tracker playlists undo {each.slug} --to PUSH`, restores what a push left.",
        "",
        *table(("push:", "when", "", "tracks:", "calls:", "why"), rows),
    ]
