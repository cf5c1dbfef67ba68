"""Before each build: which stored rules dbt may compile. One that it may not is left out with its reason.

dbt cannot catch an error: a rule that raised while it compiles, or a regular expression that PostgreSQL
refuses, would take all playlists with it. So everything is tried beforehand, and the verdict decides.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import psycopg2
from psycopg2 import sql
from psycopg2.extras import Json

from playlists.rules.fields import LANGUAGE
from playlists.rules.referenced_playlists import not_loaded, own_playlist_id, with_playlist_ids
from playlists.rules.rule import read_rule
from playlists.slugs import model_slugs
from profiles.errors import TrackerError

if TYPE_CHECKING:
    from psycopg2.extensions import cursor as Cursor  # noqa: N812

    from playlists.rules.rule import Rule
    from profiles.database import Database

LONGEST_MATCH_S = 5
"""A regular expression that needs longer for the whole library would hold up every build."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the check of one rule found."""

    slug: str
    verdict: Literal["valid", "invalid", "set_aside"]
    reason: str | None = None


def check_rules(database: Database) -> list[Verdict]:
    """Check every stored rule and write the verdicts; call this before each build.

    A rule is also brought into the form of today's language. Raises nothing for a rule.
    """
    with database.transaction() as cursor:
        cursor.execute("select slug, rule from ops.playlist_rules where retired_at is null order by slug")
        stored = cursor.fetchall()
    verdicts = []
    for slug, document in stored:
        try:
            rule = with_playlist_ids(database, read_rule(document), own=own_playlist_id(database, slug))
            verdict = checked_rule(database, slug, rule)
        except TrackerError as error:
            verdict, rule = Verdict(slug, "invalid", str(error)), None
        with database.transaction() as cursor:
            if rule is not None and rule.as_json() != document:
                # only where nobody has edited it meanwhile: an edit has been checked by itself
                cursor.execute(
                    "update ops.playlist_rules set rule = %s where slug = %s and rule = %s",
                    [Json(rule.as_json()), slug, Json(document)],
                )
            write_verdict(cursor, slug, verdict, document if rule is None else rule.as_json())
        verdicts.append(verdict)
    return verdicts


def checked_rule(database: Database, slug: str, rule: Rule) -> Verdict:
    """The verdict on one rule whose playlists have ids."""
    if slug in model_slugs():
        return Verdict(slug, "invalid", f"A model is called '{slug}', and it is built instead of the rule.")
    for leaf in rule.group.leaves():
        if leaf.operator == "matches":
            error = regex_error(database, leaf.field or "title", str(leaf.value))
            if error is not None:
                return Verdict(slug, "invalid", f"{leaf}: {error}")
    missing = not_loaded(database, rule.group.playlists())
    if missing:
        return Verdict(
            slug,
            "set_aside",
            f"It looks into {', '.join(missing)}, of which the entries are not known yet:"
            " the next sync loads them, or for one of ours its next push.",
        )
    return Verdict(slug, "valid")


def regex_error(database: Database, field: str, pattern: str) -> str | None:
    """What PostgreSQL says against a regular expression on one field of the library; None: nothing."""
    is_built = database.relation_exists("analytics.unified_tracks")
    try:
        with database.transaction() as cursor:
            cursor.execute("select set_config('statement_timeout', %s, true)", [f"{LONGEST_MATCH_S}s"])
            cursor.execute("select ops.matches('', %s)", [pattern])
            if is_built:
                cursor.execute(
                    sql.SQL(
                        "select count(*) from analytics.unified_tracks"
                        " where ops.matches(cast({} as text), %s)"
                    ).format(sql.Identifier(field)),
                    [pattern],
                )
    except psycopg2.errors.QueryCanceled:
        return "the expression takes too long on your library; write a simpler one."
    except (psycopg2.DataError, psycopg2.InternalError) as error:
        return f"PostgreSQL refuses the expression: {str(error).splitlines()[0].removesuffix('.')}."
    return None


def write_verdict(cursor: Cursor, slug: str, verdict: Verdict, document: dict[str, Any]) -> None:
    """Keep the verdict with a fingerprint of the rule that it is about, unless the rule is another by now."""
    cursor.execute(
        "update ops.playlist_rules set verdict = %s, verdict_reason = %s, checked_at = now(),"
        " checked_fingerprint = md5(cast(rule as text)), checked_language = %s where slug = %s and rule = %s",
        [verdict.verdict, verdict.reason, LANGUAGE, slug, Json(document)],
    )
