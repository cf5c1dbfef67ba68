"""What dbt selected, and what the guards must know about it: read only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from playlists import records
from playlists.playlist_types import Selection
from playlists.push.guards import MODEL_FAILED, Facts, TestResult
from playlists.records import cursor_of, only
from playlists.rules import stored_rules
from playlists.rules.rule import InvalidBlockError, read_block
from profiles.errors import TrackerError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from psycopg2.extras import RealDictCursor

    from profiles.database import Database


class NothingBuiltError(TrackerError):
    """dbt has not made any selection yet."""


def read_selections(database: Database) -> tuple[dict[str, Selection], dict[str, InvalidBlockError]]:
    """Every selection by slug, and those whose block is not valid with what is wrong.

    Both tables are read in one snapshot, so that a build in between cannot mix two of them.
    """
    with cursor_of(database) as cursor:
        cursor.execute("set transaction isolation level repeatable read read only")
        cursor.execute("select to_regclass('analytics.playlist_definitions') is not null as is_built")
        if not only(cursor)["is_built"]:
            raise NothingBuiltError(
                "No playlist has been built yet.", remedy="Run python -m flows daily-sync first."
            )
        cursor.execute(
            "select to_jsonb(d) - 'built_at' as row, d.built_at from analytics.playlist_definitions d"
        )
        definitions = cursor.fetchall()
        cursor.execute(
            "select slug, array_agg(track_uri order by position) as uris"
            " from analytics.playlist_selections group by slug"
        )
        uris = {row["slug"]: tuple(row["uris"]) for row in cursor.fetchall()}
    selections: dict[str, Selection] = {}
    invalid: dict[str, InvalidBlockError] = {}
    for definition in definitions:
        row = definition["row"]
        slug = row["slug"]
        try:
            block = read_block(slug, row["definition"])
        except InvalidBlockError as error:
            invalid[slug] = error
            continue
        selections[slug] = Selection(
            slug=slug,
            block=block,
            uris=uris.get(slug, ()),
            built_at=definition["built_at"],
            invocation_id=row["invocation_id"],
            selected_count=row["selected_count"],
            history_days=row.get("history_days"),
        )
    for slug, reason in stored_rules.not_built(database).items():
        if slug not in selections:
            invalid.setdefault(slug, reason)
    return dict(sorted(selections.items())), invalid


def tests_of(slugs: Sequence[str], database: Database) -> list[str]:
    """What `dbt test --select` names to test these selections: all of them at once, and what a model adds."""
    rules = stored_rules.load_all(database).keys() & set(slugs)
    return ["playlist_selections", *(f"playlist_{slug}" for slug in slugs if slug not in rules)]


def read_facts(database: Database, selections: Mapping[str, Selection], now: datetime) -> Facts:
    """What the guards need to know, from `ops` alone."""
    with cursor_of(database) as cursor:
        results = {slug: _results(cursor, selection) for slug, selection in selections.items()}
        cursor.execute("select resource, checked_at from ops.source_checks where is_complete")
        looked_at = {row["resource"]: row["checked_at"] for row in cursor.fetchall()}
        cursor.execute("select min(oldest_played_at) as first_play from ops.play_polls")
        first_play = only(cursor)["first_play"]
    return Facts(
        now=now,
        results=results,
        looked_at=looked_at,
        first_known_play=first_play,
        user_id=records.read_user_id(database),
    )


def record_failed_models(database: Database, reasons: Mapping[str, str]) -> None:
    """Mark playlists whose model failed, by slug: the push refuses them until the next good build."""
    with cursor_of(database) as cursor:
        for slug, why in reasons.items():
            cursor.execute(
                "insert into ops.build_results (invocation_id, unique_id, slug, test_name, status, message)"
                " select max(invocation_id), %s, %s, %s, 'error', %s from analytics.playlist_definitions",
                [f"{MODEL_FAILED}:{slug}", slug, MODEL_FAILED, why],
            )
    for slug, why in reasons.items():
        records.write_state(database, slug, "failing", f"its model failed: {why}")


def _results(cursor: RealDictCursor, selection: Selection) -> tuple[TestResult, ...]:
    """The latest result of each test since the build that made this selection."""
    cursor.execute(
        """
        with since as (
            select coalesce(min(finished_at), %(built_at)s) as moment
            from ops.build_results
            where invocation_id = %(invocation_id)s
        )

        select distinct on (unique_id) coalesce(test_name, unique_id) as test_name, status, failures, message
        from ops.build_results
        where slug = %(slug)s
            and (invocation_id = %(invocation_id)s or finished_at >= (select moment from since))
        order by unique_id, finished_at desc
        """,
        {"slug": selection.slug, "invocation_id": selection.invocation_id, "built_at": selection.built_at},
    )
    return tuple(TestResult(**row) for row in cursor.fetchall())


def read_titles(database: Database, uris: Sequence[str]) -> dict[str, str]:
    """Artist and title by uri for display, as far as they are known; never a reason to fail."""
    with cursor_of(database) as cursor:
        cursor.execute("select to_regclass('analytics.unified_tracks') is not null as is_built")
        if not only(cursor)["is_built"]:
            return {}
        cursor.execute(
            "select track_uri, concat_ws(' – ', artist, title) as name from analytics.unified_tracks"
            " where track_uri = any(%s)",
            [list(uris)],
        )
        return {row["track_uri"]: row["name"] for row in cursor.fetchall()}
