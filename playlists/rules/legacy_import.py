"""Rules of an older tracker, as `import-tracker` brought them: translated, and stored as paused playlists.

None is pushed before the user resumes it, so that its preview can be looked at first. It then goes on with
the playlist that it had on Spotify.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from playlists import records
from playlists.block import PLAYLIST_ID
from playlists.rules import stored_rules
from playlists.rules.legacy import translated
from playlists.rules.rule import read_rule
from playlists.slugs import LONGEST_STORED_SLUG, model_slugs, slug_of, unhashed_slug_of
from profiles.errors import InputError

if TYPE_CHECKING:
    from playlists.rules.rule import Rule
    from profiles.database import Database

PAUSED = "imported from the earlier tracker; resume it when you have looked at it"
IMPORTED_BEFORE = "It was imported before."
WITHOUT_RULE = "It kept no rule."


@dataclass(frozen=True, slots=True)
class LegacyPlaylist:
    """One playlist of an older tracker. `rule` is None where it cannot be kept here, and `why` says so."""

    slug: str
    theirs: str
    """Its name in the older tracker."""
    rule: Rule | None
    playlist_id: str | None
    is_stored: bool = False
    """It was imported before; it may have been changed or retired since."""
    why: str | None = None

    @property
    def is_waiting(self) -> bool:
        """Whether it can be kept, and is not yet."""
        return self.rule is not None and not self.is_stored

    @property
    def is_lost(self) -> bool:
        """Whether its rule cannot be translated."""
        return self.rule is None and self.why not in (IMPORTED_BEFORE, WITHOUT_RULE)


def legacy_playlists(database: Database) -> list[LegacyPlaylist]:
    """Return what `import-tracker` has brought, by their slug."""
    if not database.relation_exists("raw_export.tracker_playlists"):
        return []
    with database.transaction() as cursor:
        cursor.execute(
            "select slug, coalesce(name, slug), playlist_id, rules from raw_export.tracker_playlists"
            " order by slug"
        )
        theirs = cursor.fetchall()
        cursor.execute("select slug from ops.playlist_rules")
        stored = {slug for (slug,) in cursor.fetchall()}
    models = model_slugs()
    return [_read(*row, stored=stored, models=models) for row in theirs]


def import_rules(database: Database) -> list[LegacyPlaylist]:
    """Store all that wait, paused; returns all playlists, with the reason where one was not stored."""
    return [_store(database, each) if each.is_waiting else each for each in legacy_playlists(database)]


def _read(
    theirs: str, name: str, playlist_id: str | None, rules: Any, *, stored: set[str], models: set[str]
) -> LegacyPlaylist:
    kept_id = playlist_id if PLAYLIST_ID.fullmatch(playlist_id or "") else None
    try:
        slug, earlier = _slugs_of(theirs, models)
        if stored & {slug, earlier}:
            return LegacyPlaylist(slug, theirs, None, kept_id, is_stored=True, why=IMPORTED_BEFORE)
        if not isinstance(rules, dict) or not rules:
            return LegacyPlaylist(slug, theirs, None, kept_id, why=WITHOUT_RULE)
        return LegacyPlaylist(slug, theirs, read_rule(translated(rules, title=name)), kept_id)
    except InputError as error:
        return LegacyPlaylist(theirs, theirs, None, kept_id, why=error.message)


def _slugs_of(theirs: str, models: set[str]) -> tuple[str, str]:
    """The slug that a playlist gets here, and the one that earlier versions gave it."""
    slug, earlier = slug_of(theirs), unhashed_slug_of(theirs)
    return (
        slug_of(f"imported_{slug}") if slug in models else slug,
        f"imported_{earlier}"[:LONGEST_STORED_SLUG] if earlier in models else earlier,
    )


def _store(database: Database, playlist: LegacyPlaylist) -> LegacyPlaylist:
    if playlist.rule is None:
        return playlist
    try:
        stored_rules.save(database, playlist.slug, playlist.rule, is_new=True)
    except InputError as error:
        return replace(playlist, rule=None, why=error.message)
    title = playlist.rule.block.title
    mapped = {state.playlist_id for state in records.read_states(database).values()}
    if playlist.playlist_id is not None and playlist.playlist_id not in mapped:
        records.write_mapping(database, playlist.slug, playlist.playlist_id, title, description=None)
    records.write_override(database, playlist.slug, title, enabled=False, reason=PAUSED)
    return playlist
