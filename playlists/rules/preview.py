"""What a rule would select, and why a track is in or out, before anything is stored or written to Spotify.

dbt compiles the rule with the macros of the builds (one start of dbt, nothing is built); the query then runs
here, read-only, on the tables of the last build.
"""

from __future__ import annotations

import json
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import psycopg2
from psycopg2.extras import RealDictCursor

from playlists.rules.check import regex_error
from playlists.rules.referenced_playlists import not_loaded, resolved
from playlists.rules.rule import InvalidRuleError
from playlists.selections import NothingBuiltError
from profiles import dbt
from profiles.errors import TrackerError

if TYPE_CHECKING:
    from playlists.rules.rule import Rule
    from profiles.database import Database
    from profiles.session import Session

IN_QUESTION = "{{ rule_in_question() }}"
LAST_LINE = "select * from selection"
"""How every playlist query ends; what stands above it can be asked other questions."""
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
    rule = checked(session.database, rule)
    query = compiled_rule(session, rule)
    body = """
        select
            (select count(*) from candidates) as matched,
            (select count(*) from selection) as selected,
            (
                select jsonb_agg(to_jsonb(first_ones) order by first_ones.position)
                from (select * from selection order by position limit %(tracks)s) as first_ones
            ) as tracks
    """
    row = ask(session.database, query, body, {"tracks": tracks})
    missing = not_loaded(session.database, rule.group.playlists())
    notes = [f"The entries of {name} are not known yet, so nothing is in it as yet." for name in missing]
    return Preview(
        rule.block.title, row["selected"], tuple(row["tracks"] or ()), row["matched"], tuple(notes)
    )


def checked(database: Database, rule: Rule) -> Rule:
    """The rule with the ids of its playlists, its regular expressions tried. Raises InvalidRuleError."""
    rule = resolved(database, rule, own=None)
    for leaf in rule.group.leaves():
        if leaf.operator == "matches" and (error := regex_error(database, str(leaf.field), str(leaf.value))):
            raise InvalidRuleError(f"{leaf}: {error}", remedy="Nothing was changed.")
    return rule


def compiled_rule(session: Session, rule: Rule) -> str:
    """The query of a rule, as the builds compile it."""
    variables = {"TRACKER_RULE": json.dumps(rule.for_compiler(), ensure_ascii=True)}
    return _compiled(session, ["--inline", IN_QUESTION], variables)


def compiled_model(session: Session, slug: str) -> str:
    """The query of a playlist model."""
    return _compiled(session, ["--select", f"playlist_{slug}"], {})


def ask(database: Database, query: str, body: str, values: dict[str, Any]) -> dict[str, Any]:
    """Ask one question of what stands above the last line of a playlist's query; one row comes back.

    `values` are the placeholders of `body`; there must be one, else psycopg2 leaves doubled % as they are.
    """
    above, found, below = query.rpartition(LAST_LINE)
    if not found or below.strip():
        raise TrackerError(f"The query does not end with '{LAST_LINE}'.", remedy="End the model so.")
    # what stands above is compiled and whole: a % in it is itself, and only the body has placeholders
    statement = above.replace("%", "%%") + body
    with (
        closing(database.connect()) as connection,
        connection.cursor(cursor_factory=RealDictCursor) as cursor,
    ):
        try:
            cursor.execute("set transaction read only")
            cursor.execute("select set_config('statement_timeout', %s, true)", [f"{LONGEST_QUERY_S}s"])
            cursor.execute(statement, values)
            return dict(cursor.fetchone() or {})
        except psycopg2.errors.UndefinedTable as error:
            raise NothingBuiltError(
                "The library has not been built yet.", remedy="Run python -m flows daily-sync first."
            ) from error
        except psycopg2.errors.QueryCanceled as error:
            raise TrackerError(
                f"The rule takes more than {LONGEST_QUERY_S} seconds.", remedy="Make it simpler."
            ) from error


def _compiled(session: Session, what: list[str], variables: dict[str, str]) -> str:
    arguments = ["--quiet", "compile", *what, "--output", "json"]
    printed = dbt.output_of(arguments, session.settings, session.database, variables)
    begin = printed.find("{")
    try:
        return str(json.loads(printed[begin:])["compiled"])
    except (ValueError, KeyError) as error:
        raise TrackerError(f"dbt compiled nothing: {printed.strip()[-500:]}") from error
