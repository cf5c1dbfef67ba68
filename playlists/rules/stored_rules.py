"""Rules in the database: every version is kept, and no error deletes one.

A rule is checked when it is saved; `playlists.rules.check.check_rules` checks all of them before a build.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from psycopg2.extras import Json

from playlists.rules.check import checked_rule, write_verdict
from playlists.rules.legacy import is_legacy, translated
from playlists.rules.referenced_playlists import own_playlist_id, with_playlist_ids
from playlists.rules.rule import InvalidRuleError, read_rule
from playlists.slugs import check_new_slug, model_slugs
from profiles.errors import InputError

if TYPE_CHECKING:
    from datetime import datetime

    from playlists.rules.rule import Rule
    from profiles.database import Database


@dataclass(frozen=True, slots=True)
class StoredRule:
    """One row of ``ops.playlist_rules``. Times in UTC."""

    slug: str
    version: int
    document: dict[str, Any]
    """The rule and its block as they are stored; `playlists.rules.rule.read_rule` reads it."""
    updated_at: datetime
    verdict: str | None
    """valid, invalid, or set_aside until what it needs is there; None: not checked yet."""
    verdict_reason: str | None
    checked_at: datetime | None

    @property
    def title(self) -> str:
        """Its name on Spotify."""
        return str(self.document.get("title") or self.slug)


class UnknownRuleError(InputError):
    """A slug that no stored rule has (exit status 2)."""


class SlugTakenError(InputError):
    """A slug that a model or another rule has (exit status 2)."""


def load(database: Database, slug: str) -> StoredRule:
    """The rule of this slug. Raises UnknownRuleError where there is none, or only a retired one."""
    found = load_all(database).get(slug)
    if found is not None:
        return found
    if slug in model_slugs():
        raise UnknownRuleError(
            f"'{slug}' is a model, not a stored rule.",
            remedy=f"Change dbt_project/models/marts/playlists/playlist_{slug}.sql.",
        )
    raise UnknownRuleError(f"No rule is called '{slug}'.", remedy="See `tracker playlists list`.")


def load_all(database: Database) -> dict[str, StoredRule]:
    """All rules that are not retired, by slug."""
    with database.transaction() as cursor:
        cursor.execute(
            "select slug, version, rule, updated_at, verdict, verdict_reason, checked_at"
            " from ops.playlist_rules where retired_at is null order by slug"
        )
        return {row[0]: StoredRule(*row) for row in cursor.fetchall()}


def versions(database: Database, slug: str) -> list[tuple[int, datetime, dict[str, Any]]]:
    """Every version of a rule ever saved, newest first: number, when, and the document."""
    with database.transaction() as cursor:
        cursor.execute(
            "select version, saved_at, rule from ops.playlist_rule_versions where slug = %s"
            " order by version desc",
            [slug],
        )
        return cursor.fetchall()


def refuse_taken(database: Database, slug: str) -> None:
    """Raise SlugTakenError or InvalidSlugError unless a new rule can be called so."""
    check_new_slug(slug)
    if slug in model_slugs():
        raise SlugTakenError(
            f"'{slug}' is a model's name.", remedy="Give the rule another slug: --slug NAME."
        )
    if slug in load_all(database):
        raise SlugTakenError(
            f"A rule is called '{slug}' already.",
            remedy=f"Change it: `tracker playlists edit {slug} --rule FILE`; or name another --slug.",
        )


def save(database: Database, slug: str, rule: Rule, *, is_new: bool) -> StoredRule:
    """Store a rule, new or edited, and check it; the same rule again makes no new version.

    Names of playlists become ids. Raises InvalidRuleError, InvalidSlugError, SlugTakenError,
    UnknownRuleError; nothing is changed then.
    """
    rule = with_playlist_ids(database, rule, own=own_playlist_id(database, slug))
    if is_new:
        refuse_taken(database, slug)
    else:
        load(database, slug)
    verdict = checked_rule(database, slug, rule)
    if verdict.verdict == "invalid":
        raise InvalidRuleError(verdict.reason or "The rule is not valid.", remedy="Nothing was changed.")
    document = rule.as_json()
    with database.transaction() as cursor:
        cursor.execute("select rule, retired_at from ops.playlist_rules where slug = %s for update", [slug])
        if cursor.fetchone() != (document, None):
            cursor.execute(
                "select coalesce(max(version), 0) + 1 from ops.playlist_rule_versions where slug = %s", [slug]
            )
            [(version,)] = cursor.fetchall()
            cursor.execute(
                "insert into ops.playlist_rules (slug, version, rule) values (%s, %s, %s)"
                " on conflict (slug) do update set version = excluded.version, rule = excluded.rule,"
                " updated_at = now(), retired_at = null, retired_reason = null",
                [slug, version, Json(document)],
            )
            cursor.execute(
                "insert into ops.playlist_rule_versions (slug, version, rule) values (%s, %s, %s)",
                [slug, version, Json(document)],
            )
        write_verdict(cursor, slug, verdict, document)
    return load(database, slug)


def retire(database: Database, slug: str, reason: str) -> None:
    """Take a rule out of the builds; the rule and its versions stay in the database."""
    with database.transaction() as cursor:
        cursor.execute(
            "update ops.playlist_rules set retired_at = now(), retired_reason = %s, updated_at = now()"
            " where slug = %s and retired_at is null",
            [reason, slug],
        )


def read_document(document: Any) -> tuple[str | None, Rule]:
    """Return the slug that a rule's JSON names, and the rule; that of an earlier tracker is translated."""
    if is_legacy(document):
        document = translated(document)
    slug = document.get("slug") if isinstance(document, dict) else None
    return (slug if isinstance(slug, str) else None), read_rule(document)
