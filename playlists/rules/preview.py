"""What a rule would select, before anything is stored or written to Spotify.

dbt compiles the rule with the macros of the builds (one start of dbt, nothing is built); the query then runs
here, read-only, on the tables of the last build.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import psycopg2

from playlists.rules.check import regex_error
from playlists.rules.referenced_playlists import not_loaded, with_playlist_ids
from playlists.rules.rule import InvalidRuleError
from playlists.selections import NothingBuiltError
from playlists.slugs import MODEL_PREFIX
from profiles import dbt
from profiles.errors import TrackerError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from playlists.rules.rule import Rule
    from profiles.database import Database
    from profiles.session import Session

IN_QUESTION = "{{ rule_in_question() }}"
WITH_GATES = {"TRACKER_GATES": "1"}
"""Makes the macro `select_tracks` say of each candidate which gates it passed, not only what is selected."""
LONGEST_QUERY_S = 60


@dataclass(frozen=True, slots=True)
class Preview:
    """What a rule selects now, on the tables of the last build."""

    title: str
    count: int
    tracks: tuple[dict[str, Any], ...]
    """The first ones: position, track_id, track_uri, title, artist."""
    matched: int
    """Tracks that meet the conditions, before exclusions, editions, caps and limits."""
    notes: tuple[str, ...] = ()


def preview(session: Session, rule: Rule, *, tracks: int = 20) -> Preview:
    """Say what a rule would select. Writes nothing anywhere.

    Raises InvalidRuleError, NothingBuiltError (no library is built yet) and TrackerError where dbt fails.
    """
    rule = _usable(session.database, rule)
    question = """
        select
            count(track_id) as matched,
            count(position) as selected,
            coalesce(
                jsonb_agg(
                    jsonb_build_object(
                        'position', position, 'track_id', track_id, 'track_uri', track_uri,
                        'title', title, 'artist', artist
                    )
                    order by position
                ) filter (where position <= %(tracks)s),
                '[]'
            ) as tracks
        from gates
    """
    [row] = ask(session.database, compiled_rule(session, rule), question, {"tracks": tracks})
    missing = not_loaded(session.database, rule.group.playlists())
    notes = [f"The entries of {name} are not known yet, so nothing is in it as yet." for name in missing]
    return Preview(rule.block.title, row["selected"], tuple(row["tracks"]), row["matched"], tuple(notes))


def _usable(database: Database, rule: Rule) -> Rule:
    """Return the rule with the ids of its playlists, after a try of its regular expressions.

    Raises InvalidRuleError.
    """
    rule = with_playlist_ids(database, rule, own=None)
    for leaf in rule.group.leaves():
        if leaf.operator == "matches" and (error := regex_error(database, str(leaf.field), str(leaf.value))):
            raise InvalidRuleError(f"{leaf}: {error}", remedy="Nothing was changed.")
    return rule


def compiled_rule(session: Session, rule: Rule) -> str:
    """Return the query of a rule with the gates of each track, by the macros that compile it in builds."""
    variables = {"TRACKER_RULE": json.dumps(rule.for_compiler(), ensure_ascii=True), **WITH_GATES}
    return _compiled(session, ["--inline", IN_QUESTION], variables)


def compiled_model(session: Session, slug: str) -> str:
    """Return the query of a playlist model, with the gates of each candidate."""
    return _compiled(session, ["--select", f"{MODEL_PREFIX}{slug}"], WITH_GATES)


def ask(database: Database, query: str, question: str, values: dict[str, Any]) -> list[dict[str, Any]]:
    """Ask one question of a compiled query, which it calls `gates`; returns its rows.

    `values` are the placeholders of `question`; there must be one, else psycopg2 leaves doubled % as they
    are. Raises NothingBuiltError, and TrackerError where it takes too long.
    """
    # the query is compiled and whole: a % in it is itself, and only the question has placeholders
    statement = (
        f"with gates as (\n{query.replace('%', '%%')}\n)"  # noqa: S608  # compiled by dbt
        f" select to_jsonb(answer) from ({question}) as answer"
    )
    try:
        with database.transaction() as cursor:
            cursor.execute("set transaction read only")
            cursor.execute("select set_config('statement_timeout', %s, true)", [f"{LONGEST_QUERY_S}s"])
            cursor.execute(statement, values)
            return [row for (row,) in cursor.fetchall()]
    except psycopg2.errors.UndefinedTable as error:
        raise NothingBuiltError(
            "The library has not been built yet.",
            remedy="Load and build first: `tracker sync`, then `tracker build`.",
        ) from error
    except psycopg2.errors.QueryCanceled as error:
        raise TrackerError(
            f"The rule takes more than {LONGEST_QUERY_S} seconds.", remedy="Make it simpler."
        ) from error


def _compiled(session: Session, what: list[str], variables: Mapping[str, str]) -> str:
    arguments = ["--quiet", "compile", *what, "--output", "json"]
    printed = dbt.output_of(arguments, session.settings, session.database, variables)
    begin = printed.find("{")
    try:
        return str(json.loads(printed[begin:])["compiled"])
    except (ValueError, KeyError) as error:
        raise TrackerError(f"dbt compiled nothing: {printed.strip()[-500:]}") from error
