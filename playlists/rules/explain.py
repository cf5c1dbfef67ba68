"""Why a track is in a playlist or not: a rule condition by condition, then the gates, and its rank."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from playlists.rules import stored_rules
from playlists.rules.language import Group
from playlists.rules.preview import ask, compiled_model, compiled_rule
from playlists.rules.referenced_playlists import folded
from playlists.rules.rule import read_rule
from playlists.selections import NothingBuiltError
from playlists.slugs import model_slugs
from profiles.errors import InputError

if TYPE_CHECKING:
    from playlists.rules.language import Condition
    from playlists.rules.rule import Rule
    from profiles.database import Database
    from profiles.session import Session

Standing = Literal["in", "out"]
_TRACK = re.compile(r"(?:^|track[:/])([A-Za-z0-9]{22})(?:$|\?)")
MOST_NAMED = 5
QUESTION = """
    select
        (
            select to_jsonb(gates)
            from gates
            where {key} = %(track_id)s
            order by position nulls last
            limit 1
        ) as passed,
        (select jsonb_exists(to_jsonb(gates), 'is_eligible') from gates limit 1) as is_by_gates
"""


@dataclass(frozen=True, slots=True)
class JudgedPart:
    """One condition or group of a rule, and whether this track meets it."""

    level: int
    text: str
    holds: bool


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why one track is in or out, on the tables of the last build and as of now."""

    slug: str
    track_id: str
    title: str
    standing: Standing
    reason: str
    conditions: tuple[JudgedPart, ...] = ()
    rank: int | None = None
    """Place among all that could be taken, before caps and limits."""
    position: int | None = None
    """Place in the playlist."""


def explain(session: Session, slug: str, track: str) -> Explanation:
    """Say why a track is in a playlist or not. `track`: its id, uri, link, or a part of its title.

    Raises UnknownRuleError for a slug that is no playlist's, InputError for a track that is not one.
    """
    rule: Rule | None = None
    if slug not in model_slugs():
        rule = read_rule(stored_rules.load(session.database, slug).document)
    track_id, row = _track(session.database, track)
    title = " – ".join(str(part) for part in (row["artist"], row["title"]) if part) if row else track_id
    if row is None:
        return Explanation(
            slug, track_id, title, "out", "It is not in your library: neither liked nor on a saved album."
        )
    query = compiled_rule(session, rule) if rule else compiled_model(session, slug)
    question = QUESTION.format(key="judged_id" if rule else "track_id")
    [answer] = ask(session.database, query, question, {"track_id": track_id})
    passed: dict[str, Any] = answer["passed"] or {}
    position = passed.get("position")
    if position is not None:
        rank = passed.get("select_rank")
        reason = f"It is number {position} of the playlist" + (
            f", as number {rank} of those that could be taken." if rank else "."
        )
    elif passed.get("track_id") is not None:
        reason = _first_closed_gate(row, passed)
    elif rule is not None or answer["is_by_gates"] is not False:
        reason = f"It does not meet the {'rule' if rule else 'conditions of the model'}."
    else:
        reason = "The model does not select it; it is made without select_tracks, so no gate can be named."
    return Explanation(
        slug,
        track_id,
        title,
        "out" if position is None else "in",
        reason,
        _judged(rule.group, passed["holds"]) if rule else (),
        passed.get("select_rank"),
        position,
    )


def _track(database: Database, track: str) -> tuple[str, dict[str, Any] | None]:
    match = _TRACK.search(track.strip())
    if not database.relation_exists("analytics.unified_tracks"):
        raise NothingBuiltError(
            "The library has not been built yet.",
            remedy="Load and build first: `tracker sync`, then `tracker build`.",
        )
    with database.transaction() as cursor:
        cursor.execute(
            "select to_jsonb(tracks) from analytics.unified_tracks as tracks where track_id = %s",
            [match.group(1) if match else track.strip().removeprefix("spotify:track:")],
        )
        by_id = cursor.fetchone()
        if by_id is not None:
            return str(by_id[0]["track_id"]), by_id[0]
        if match:
            return match.group(1), None
        cursor.execute(
            "select to_jsonb(tracks) from analytics.unified_tracks as tracks"
            " where position(ops.fold(%s) in ops.fold(title)) > 0"
            " order by ops.fold(title) <> ops.fold(%s), track_id limit %s",
            [track, track, MOST_NAMED + 1],
        )
        found = [row for (row,) in cursor.fetchall()]
    exact = [row for row in found if folded(str(row["title"])) == folded(track)]
    if len(found) == 1 or len(exact) == 1:
        row = (exact or found)[0]
        return str(row["track_id"]), row
    if not found:
        raise InputError(f"No track of your library is called '{track}'.", remedy="Give its id or its link.")
    named = "; ".join(f"{row['track_id']} {row['artist']} – {row['title']}" for row in found[:MOST_NAMED])
    raise InputError(f"Several tracks are called so: {named}.", remedy="Give the id of one.")


def _first_closed_gate(row: dict[str, Any], passed: dict[str, Any]) -> str:
    """Name the first gate that a candidate did not pass."""
    checks = (
        (not passed["is_eligible"], _why_not_eligible(row)),
        (
            passed["select_rank"] is None,
            f"Another edition of the same recording stands for it: {passed['best_edition']}.",
        ),
        (
            passed["artist_turn"] is None,
            f"It is number {passed['album_turn']} of its album, more than per_album allows.",
        ),
        (
            passed["limit_rank"] is None,
            f"It is number {passed['artist_turn']} of its artist, more than per_artist allows.",
        ),
    )
    for is_closed, text in checks:
        if is_closed:
            return text
    minutes = (passed["running_ms"] or 0) / 60_000
    place = f"number {passed['limit_rank']} in the order of choice, {minutes:.0f} minutes so far"
    return f"It is past the limit: {place}."


def _why_not_eligible(row: dict[str, Any]) -> str:
    reasons = {
        f"It is excluded: {row['exclusion_reason']}.": row["is_excluded"],
        "Spotify does not play it in your country.": row["is_playable"] is False,
        "Spotify refused to add it to a playlist; it is tried again after 30 days.": row.get("is_refused"),
        "Its length is not known, and the playlist has a limit in minutes.": not row["duration_ms"],
    }
    return next(
        (text for text, is_so in reasons.items() if is_so), "It is no track that a playlist can hold."
    )


def _judged(group: Group, answers: list[bool]) -> tuple[JudgedPart, ...]:
    """The rule as it reads, each line with its answer; `answers` come in the order of `Group.leaves`."""
    coming = iter(answers)

    def judge(part: Group | Condition, level: int) -> list[JudgedPart]:
        if not isinstance(part, Group):
            return [JudgedPart(level, str(part), next(coming))]
        below = [judge(each, level + 1) for each in part.conditions]
        parts = [lines[0].holds for lines in below]
        holds = (all(parts) if part.match == "all" else any(parts)) is not part.negated
        text = f"{'not ' if part.negated else ''}{part.match} of"
        return [JudgedPart(level, text, holds), *(line for lines in below for line in lines)]

    return tuple(judge(group, 0))
