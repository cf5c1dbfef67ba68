"""Why a track is in a playlist or not: a rule condition by condition, then the gates, and its rank."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from playlists.records import cursor_of, only
from playlists.rules import stored_rules
from playlists.rules.language import Group
from playlists.rules.preview import ask, compiled_model, compiled_rule
from playlists.rules.referenced_playlists import folded
from playlists.rules.rule import read_rule
from playlists.selections import NothingBuiltError
from playlists.slugs import model_slugs
from profiles.errors import SettingsError

if TYPE_CHECKING:
    from playlists.rules.language import Condition
    from playlists.rules.rule import Rule
    from profiles.database import Database
    from profiles.session import Session

Standing = Literal["in", "out"]
_ID = re.compile(r"(?:^|track[:/])([A-Za-z0-9]{22})(?:$|\?)")
MOST_NAMED = 5
CAPS = ("editions", "counted_by_album", "counted_by_artist", "measured", "placed")
"""The steps of select_tracks that a gate is told from. A model that is made otherwise tells its end alone."""


@dataclass(frozen=True, slots=True)
class Judged:
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
    conditions: tuple[Judged, ...] = ()
    rank: int | None = None
    """Place among all that could be taken, before caps and limits."""
    position: int | None = None
    """Place in the playlist."""
    value: dict[str, Any] | None = None
    """The row of unified_tracks, where the track is in the library."""


def explain(session: Session, slug: str, track: str) -> Explanation:
    """Say why a track is in a playlist or not. `track`: its id, uri, link, or a part of its title.

    Raises UnknownRuleError for a slug that is no playlist's, SettingsError for a track that is not one.
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
    facts = ask(session.database, query, _question(query, has_rule=rule is not None), {"track_id": track_id})
    conditions = _judged(rule.group, facts["holds"]) if rule else ()
    reason = _reason(row, facts, rule)
    return Explanation(
        slug,
        track_id,
        title,
        "in" if facts["position"] is not None else "out",
        reason,
        conditions,
        facts.get("select_rank"),
        facts["position"],
        row,
    )


def _track(database: Database, track: str) -> tuple[str, dict[str, Any] | None]:
    match = _ID.search(track.strip())
    with cursor_of(database) as cursor:
        cursor.execute("select to_regclass('analytics.unified_tracks') is not null as is_built")
        if not only(cursor)["is_built"]:
            raise NothingBuiltError(
                "The library has not been built yet.", remedy="Run python -m flows daily-sync first."
            )
        cursor.execute(
            "select * from analytics.unified_tracks where track_id = %s",
            [match.group(1) if match else track.strip().removeprefix("spotify:track:")],
        )
        row = cursor.fetchone()
        if row is not None:
            return str(row["track_id"]), dict(row)
        if match:
            return match.group(1), None
        cursor.execute(
            "select * from analytics.unified_tracks where position(ops.fold(%s) in ops.fold(title)) > 0"
            " order by ops.fold(title) <> ops.fold(%s), track_id limit %s",
            [track, track, MOST_NAMED + 1],
        )
        found = cursor.fetchall()
    exact = [row for row in found if folded(str(row["title"])) == folded(track)]
    if len(found) == 1 or len(exact) == 1:
        row = (exact or found)[0]
        return str(row["track_id"]), dict(row)
    if not found:
        raise SettingsError(
            f"No track of your library is called '{track}'.", remedy="Give its id or its link."
        )
    named = "; ".join(f"{row['track_id']} {row['artist']} – {row['title']}" for row in found[:MOST_NAMED])
    raise SettingsError(f"Several tracks are called so: {named}.", remedy="Give the id of one.")


BEST_EDITION = """
    (
        select other.track_id
        from editions as other
        inner join editions as this on other.recording_id = this.recording_id
        where this.track_id = %(track_id)s and other.edition_rank = 1
        limit 1
    ) as best_edition
"""


def _question(query: str, *, has_rule: bool) -> str:
    def of(step: str, column: str, name: str) -> str:
        return f"(select {column} from {step} where track_id = %(track_id)s limit 1) as {name}"  # noqa: S608  # our own words

    columns = [of("candidates", "true", "is_candidate"), of("selection", "position", "position")]
    if has_rule:
        columns.append(of("judged", "holds", "holds"))
    if all(re.search(rf"^\s*{step} as \(", query, re.MULTILINE) for step in CAPS):
        columns += [
            of("eligible", "true", "is_eligible"),
            of("editions", "edition_rank", "edition_rank"),
            BEST_EDITION,
            of("ranked", "select_rank", "select_rank"),
            of("counted_by_album", "album_turn", "album_turn"),
            of("counted_by_artist", "artist_turn", "artist_turn"),
            of("measured", "limit_rank", "limit_rank"),
            of("measured", "running_ms", "running_ms"),
        ]
    return "select " + ", ".join(columns)


def _reason(row: dict[str, Any], facts: dict[str, Any], rule: Rule | None) -> str:
    """The first gate that the track does not pass, else where it stands."""
    if facts["position"] is not None:
        rank = facts.get("select_rank")
        return f"It is number {facts['position']} of the playlist" + (
            f", as number {rank} of those that could be taken." if rank else "."
        )
    if not facts["is_candidate"]:
        return "It does not meet the rule." if rule else "It does not meet the conditions of the model."
    if "is_eligible" not in facts:
        return "It meets the conditions, and was left out by an order, a cap or a limit of the model."
    checks = (
        (not facts["is_eligible"], _why_not_eligible(row)),
        (
            facts["select_rank"] is None,
            f"Another edition of the same recording stands for it: {facts['best_edition']}.",
        ),
        (
            facts["artist_turn"] is None,
            f"It is number {facts['album_turn']} of its album, more than per_album allows.",
        ),
        (
            facts["limit_rank"] is None,
            f"It is number {facts['artist_turn']} of its artist, more than per_artist allows.",
        ),
    )
    for is_reason, text in checks:
        if is_reason:
            return text
    minutes = (facts["running_ms"] or 0) / 60_000
    place = f"number {facts['limit_rank']} in the order of choice, {minutes:.0f} minutes so far"
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


def _judged(group: Group, answers: list[bool]) -> tuple[Judged, ...]:
    """The rule as it reads, each line with its answer; `answers` come in the order of `Group.leaves`."""
    coming = iter(answers)

    def judge(part: Group | Condition, level: int) -> list[Judged]:
        if not isinstance(part, Group):
            return [Judged(level, str(part), next(coming))]
        below = [judge(each, level + 1) for each in part.conditions]
        parts = [lines[0].holds for lines in below]
        holds = (all(parts) if part.match == "all" else any(parts)) is not part.negated
        text = f"{'not ' if part.negated else ''}{part.match} of"
        return [Judged(level, text, holds), *(line for lines in below for line in lines)]

    return tuple(judge(group, 0))
