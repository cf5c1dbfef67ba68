"""What dbt selected for each playlist, and what its tests found: read from `analytics` and `ops`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from playlists import records
from playlists.block import InvalidBlockError, read_block
from playlists.playlist_types import MODEL_FAILED, Facts, Selection, TestResult
from playlists.slugs import MODEL_PREFIX
from profiles.errors import InputError, TrackerError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from psycopg2.extensions import cursor as Cursor  # noqa: N812

    from profiles.database import Database


class NothingBuiltError(TrackerError):
    """dbt has not made any selection yet."""


def read_selections(database: Database) -> tuple[dict[str, Selection], dict[str, InputError]]:
    """Return every selection by slug, and by slug the reason why another one cannot be used.

    Both tables are read in one snapshot, so that a build in between cannot mix two of them. Raises
    NothingBuiltError.
    """
    if not database.relation_exists("analytics.playlist_definitions"):
        raise NothingBuiltError(
            "No playlist has been built yet.",
            remedy="Load and build first: `tracker sync`, then `tracker build`.",
        )
    with database.transaction() as cursor:
        cursor.execute("set transaction isolation level repeatable read read only")
        cursor.execute(
            "select to_jsonb(definitions) - 'built_at', definitions.built_at"
            " from analytics.playlist_definitions as definitions"
        )
        definitions = cursor.fetchall()
        cursor.execute(
            # what an older version built has no such column
            "select slug, array_agg(track_uri order by position),"
            " max(to_jsonb(selections) ->> 'invocation_id')"
            " from analytics.playlist_selections as selections group by slug"
        )
        found = {slug: (tuple(uris), made_by) for slug, uris, made_by in cursor.fetchall()}
    selections: dict[str, Selection] = {}
    invalid: dict[str, InputError] = {}
    for row, built_at in definitions:
        slug = row["slug"]
        try:
            block = read_block(slug, row["definition"])
        except InputError as error:
            invalid[slug] = error
            continue
        uris, made_by = found.get(slug, ((), None))
        selections[slug] = Selection(
            slug=slug,
            block=block,
            uris=uris,
            built_at=built_at,
            invocation_id=made_by or row["invocation_id"],
            selected_count=row["selected_count"],
            history_days=row.get("history_days"),
        )
    left_out = {slug: error for slug, error in rules_left_out(database).items() if slug not in selections}
    return dict(sorted(selections.items())), {**left_out, **invalid}


def rules_left_out(database: Database) -> dict[str, InputError]:
    """Return the reasons why builds leave out stored rules, by slug; paused ones are not included."""
    with database.transaction() as cursor:
        cursor.execute(
            "select rules.slug, rules.verdict, rules.verdict_reason from ops.playlist_rules as rules"
            " left join ops.playlists as playlists on rules.slug = playlists.slug"
            " where rules.retired_at is null and rules.verdict in ('invalid', 'set_aside')"
            " and playlists.enabled_override is distinct from false"
        )
        return {
            slug: InvalidBlockError(
                reason or "Its rule is not valid.",
                remedy=f"`tracker playlists edit {slug} --rule FILE`"
                if verdict == "invalid"
                else "It is built again by itself.",
            )
            for slug, verdict, reason in cursor.fetchall()
        }


def tests_of(slugs: Sequence[str], database: Database) -> list[str]:
    """What `dbt test --select` names to test these selections: all of them at once, and what a model adds."""
    with database.transaction() as cursor:
        cursor.execute("select slug from ops.playlist_rules where retired_at is null")
        rules = {slug for (slug,) in cursor.fetchall()}
    return ["playlist_selections", *(f"{MODEL_PREFIX}{slug}" for slug in slugs if slug not in rules)]


def read_facts(database: Database, selections: Mapping[str, Selection], now: datetime) -> Facts:
    """What the guards need to know, from `ops` alone. `now` in UTC."""
    with database.transaction() as cursor:
        results = {slug: _results(cursor, selection) for slug, selection in selections.items()}
        cursor.execute("select resource, checked_at from ops.source_checks where is_complete")
        looked_at: dict[str, datetime] = dict(cursor.fetchall())
        cursor.execute("select min(oldest_played_at) from ops.play_polls")
        [(first_known_play,)] = cursor.fetchall()
    return Facts(
        now=now,
        results=results,
        looked_at=looked_at,
        first_known_play=first_known_play,
        user_id=records.read_user_id(database),
    )


def record_failed_models(database: Database, reasons: Mapping[str, str]) -> None:
    """Mark playlists whose model failed, by slug: the push refuses them until the next good build."""
    with database.transaction() as cursor:
        for slug, reason in reasons.items():
            cursor.execute(
                "insert into ops.build_results"
                " (invocation_id, unique_id, slug, test_name, status, message, selection_invocation_id)"
                " select invocation_id, %s, slug, %s, 'error', %s, invocation_id"
                " from analytics.playlist_definitions where slug = %s",
                [f"{MODEL_FAILED}:{slug}", MODEL_FAILED, reason, slug],
            )
    for slug, reason in reasons.items():
        records.write_state(database, slug, "failing", f"its model failed: {reason}")


def read_titles(database: Database, uris: Sequence[str]) -> dict[str, str]:
    """Return artist and title by uri, for display, where they are known."""
    if not database.relation_exists("analytics.unified_tracks"):
        return {}
    with database.transaction() as cursor:
        cursor.execute(
            "select track_uri, concat_ws(' – ', artist, title) from analytics.unified_tracks"
            " where track_uri = any(%s)",
            [list(uris)],
        )
        return dict(cursor.fetchall())


def _results(cursor: Cursor, selection: Selection) -> tuple[TestResult, ...]:
    """The latest result of each test that saw this very selection."""
    cursor.execute(
        "select distinct on (unique_id) coalesce(test_name, unique_id), status, failures, message"
        " from ops.build_results"
        # a verdict of an older version is about what its own run built
        " where slug = %s and coalesce(selection_invocation_id, invocation_id) = %s"
        " order by unique_id, finished_at desc",
        [selection.slug, selection.invocation_id],
    )
    return tuple(TestResult(*row) for row in cursor.fetchall())
