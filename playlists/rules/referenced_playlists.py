"""Playlists that rules look into: written by name, stored by id; a build needs their entries."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import TYPE_CHECKING

from playlists.block import PLAYLIST_ID
from playlists.rules.fields import PLAYLIST_OPERATORS
from playlists.rules.rule import InvalidRuleError
from playlists.slugs import EXCLUSIONS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from playlists.rules.language import Condition
    from playlists.rules.rule import Rule
    from profiles.database import Database

_LINK = re.compile(rf"playlist[:/]({PLAYLIST_ID.pattern})(?![A-Za-z0-9])")


@dataclass(frozen=True, slots=True)
class KnownPlaylist:
    """A playlist of the account: one of ours (by slug), or one that the listing shows."""

    playlist_id: str | None
    name: str
    slug: str | None = None


def known_playlists(database: Database) -> list[KnownPlaylist]:
    """Return our playlists and the user's other ones, each once; ours may not be on Spotify yet."""
    is_loaded = database.relation_exists("raw_spotify.playlists")
    with database.transaction() as cursor:
        cursor.execute("select playlist_id, name, slug from ops.playlists order by slug")
        ours = [KnownPlaylist(*row) for row in cursor.fetchall()]
        listed = []
        if is_loaded:
            cursor.execute(
                "select playlist_id, coalesce(payload ->> 'name', '') from raw_spotify.playlists"
                " order by playlist_id"
            )
            listed = [KnownPlaylist(*row) for row in cursor.fetchall()]
    own_ids = {playlist.playlist_id for playlist in ours}
    return [*ours, *(playlist for playlist in listed if playlist.playlist_id not in own_ids)]


def own_playlist_id(database: Database, slug: str) -> str | None:
    """The Spotify id of one of ours, where it has one."""
    with database.transaction() as cursor:
        cursor.execute("select playlist_id from ops.playlists where slug = %s", [slug])
        row = cursor.fetchone()
    return row[0] if row else None


def with_playlist_ids(database: Database, rule: Rule, *, own: str | None) -> Rule:
    """Return the rule with the ids of its playlists in place of names, also in its block.

    `own` is the id of the playlist that the rule fills: a rule on its own entries would change every night.
    Raises InvalidRuleError for a name that no playlist has, or several have.
    """
    if not rule.group.playlists():
        return replace(rule, block=rule.block.model_copy(update={"reads_playlists": ()}))
    known = known_playlists(database)

    def with_id(condition: Condition) -> Condition:
        if condition.operator not in PLAYLIST_OPERATORS:
            return condition
        playlist_id = _id_of(str(condition.value), known)
        if own is not None and playlist_id == own:
            raise InvalidRuleError(
                "The rule looks into the playlist that it fills.", remedy="Name another playlist in it."
            )
        return condition.model_copy(update={"value": playlist_id})

    group = rule.group.changed(with_id)
    block = rule.block.model_copy(update={"reads_playlists": group.playlists()})
    return replace(rule, group=group, block=block)


def not_loaded(database: Database, playlist_ids: Sequence[str]) -> list[str]:
    """Return the names of those playlists whose entries are not known.

    The entries of ours are known from the last push, those of another one from a complete read.
    """
    if not playlist_ids:
        return []
    names = {playlist.playlist_id: playlist for playlist in known_playlists(database)}
    missing = []
    with database.transaction() as cursor:
        for playlist_id in playlist_ids:
            playlist = names.get(playlist_id)
            if playlist is not None and playlist.slug not in (None, EXCLUSIONS):
                cursor.execute(
                    "select exists (select from ops.playlist_pushes where playlist_id = %s"
                    " and status = 'done' and after_uris is not null)",
                    [playlist_id],
                )
            else:
                cursor.execute(
                    "select exists (select from ops.source_checks where resource = %s)",
                    [f"playlist_items:{playlist_id}"],
                )
            if cursor.fetchone() != (True,):
                missing.append(f"'{playlist.name}'" if playlist else playlist_id)
    return missing


def playlists_read(database: Database) -> list[str]:
    """Return the ids of the playlists whose entries a sync has to load: rules and models look into them.

    Ours are not among them, since the pushes record their entries.
    """
    of_models = (
        "select definition -> 'reads_playlists' as ids from analytics.playlist_definitions"
        if database.relation_exists("analytics.playlist_definitions")
        else "select '[]'::jsonb as ids"
    )
    with database.transaction() as cursor:
        cursor.execute(
            f"""
            with readers as (
                select rule -> 'reads_playlists' as ids from ops.playlist_rules where retired_at is null
                union all
                {of_models}
            )

            select distinct read.playlist_id
            from readers
            cross join lateral jsonb_array_elements_text(
                case jsonb_typeof(readers.ids) when 'array' then readers.ids else '[]' end
            ) as read (playlist_id)
            left join ops.playlists as ours
                on read.playlist_id = ours.playlist_id and ours.slug <> %s
            where ours.slug is null
            order by read.playlist_id
            """,  # noqa: S608  # our own words
            [EXCLUSIONS],
        )
        return [playlist_id for (playlist_id,) in cursor.fetchall()]


def _id_of(text: str, known: Sequence[KnownPlaylist]) -> str:
    link = _LINK.search(text)
    if link is not None:
        return link.group(1)
    matches = [each for each in known if text == each.playlist_id]
    matches = matches or [each for each in known if each.slug == text]
    matches = matches or [each for each in known if folded(each.name) == folded(text.strip())]
    if not matches and PLAYLIST_ID.fullmatch(text):
        return text
    if not matches:
        names = {each.name: None for each in known if each.name}
        near = get_close_matches(text, names, n=3)
        hint = f"Did you mean {' or '.join(repr(name) for name in near)}? " if near else ""
        raise InvalidRuleError(
            f"No playlist is called '{text}'.",
            remedy=f"{hint}A playlist made today is known after the next sync; its link works at once.",
        )
    if len(matches) > 1:
        ids = ", ".join(str(each.playlist_id or each.slug) for each in matches)
        raise InvalidRuleError(
            f"{len(matches)} playlists are called '{text}'.", remedy=f"Name one by its id: {ids}."
        )
    if matches[0].playlist_id is None:
        raise InvalidRuleError(
            f"'{text}' is not on Spotify yet.",
            remedy=f"Push it first: `tracker playlists apply {matches[0].slug}`.",
        )
    return matches[0].playlist_id


def folded(name: str) -> str:
    """The name without case, and with accents composed in one way."""
    return unicodedata.normalize("NFC", name).casefold()
