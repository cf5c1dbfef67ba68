"""Rules of an older tracker, as `import-tracker` brought them: translated, and stored paused.

Nothing of theirs is pushed before the user resumes it: what a rule means here can be looked at first. It then
goes on with the playlist that it had on Spotify.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from playlists import records
from playlists.records import cursor_of, only
from playlists.rules import stored_rules
from playlists.rules.legacy import translated
from playlists.rules.rule import LONGEST_STORED_SLUG, InvalidRuleError, full_slug_of, read_rule, slug_of
from playlists.slugs import model_slugs
from profiles.errors import SettingsError

if TYPE_CHECKING:
    from playlists.rules.rule import Rule
    from profiles.database import Database

PAUSED = "imported from the earlier tracker; resume it when you have looked at it"
BEFORE = "It was imported before."
WITHOUT = "It kept no rule."
_PLAYLIST_ID = re.compile(r"^[A-Za-z0-9]{22}$")


@dataclass(frozen=True, slots=True)
class Offered:
    """One playlist of an older tracker. `rule` is None where it cannot be kept here, and `why` says so."""

    slug: str
    theirs: str
    """What it was called there."""
    rule: Rule | None
    playlist_id: str | None
    is_stored: bool = False
    """It was imported before, whatever has become of it since."""
    why: str | None = None

    @property
    def is_waiting(self) -> bool:
        """Whether it can be kept, and is not yet."""
        return self.rule is not None and not self.is_stored

    @property
    def is_lost(self) -> bool:
        """Whether it had a rule that has no counterpart here."""
        return self.rule is None and self.why not in (BEFORE, WITHOUT)


def offered(database: Database) -> list[Offered]:
    """What `import-tracker` has brought, by their slug."""
    with cursor_of(database) as cursor:
        cursor.execute("select to_regclass('raw_export.tracker_playlists') is not null as is_there")
        if not only(cursor)["is_there"]:
            return []
        cursor.execute(
            "select slug, name, playlist_id, rules from raw_export.tracker_playlists order by slug"
        )
        theirs = cursor.fetchall()
        cursor.execute("select slug from ops.playlist_rules")
        stored = {row["slug"] for row in cursor.fetchall()}
    models = model_slugs()
    return [_offer(row, stored, models) for row in theirs]


def import_rules(database: Database) -> list[Offered]:
    """Store all that wait, paused; returns all that was offered, with why one could not be stored."""
    return [_stored(database, each) if each.is_waiting else each for each in offered(database)]


def _offer(row: dict[str, Any], stored: set[str], models: set[str]) -> Offered:
    theirs, name = row["slug"], row["name"] or row["slug"]
    playlist_id = row["playlist_id"] if _PLAYLIST_ID.match(row["playlist_id"] or "") else None
    try:
        slug = slug_of(theirs)
        slug = slug_of(f"imported_{slug}") if slug in models else slug
        earlier = full_slug_of(theirs)[:LONGEST_STORED_SLUG].strip("_")  # as earlier versions shortened it
        if slug in stored or (earlier in stored and earlier not in models):
            return Offered(slug, theirs, None, playlist_id, is_stored=True, why=BEFORE)
        if not isinstance(row["rules"], dict) or not row["rules"]:
            return Offered(slug, theirs, None, playlist_id, why=WITHOUT)
        return Offered(slug, theirs, read_rule(translated(row["rules"], title=name)), playlist_id)
    except InvalidRuleError as error:
        return Offered(theirs, theirs, None, playlist_id, why=error.message)


def _stored(database: Database, offer: Offered) -> Offered:
    if offer.rule is None:
        return offer
    try:
        stored_rules.save(database, offer.slug, offer.rule, is_new=True)
    except SettingsError as error:
        return Offered(offer.slug, offer.theirs, None, offer.playlist_id, why=error.message)
    title = offer.rule.block.title
    known = {state.playlist_id for state in records.read_states(database).values()}
    if offer.playlist_id is not None and offer.playlist_id not in known:
        records.write_mapping(database, offer.slug, offer.playlist_id, title, description=None)
    records.write_override(database, offer.slug, title, enabled=False, reason=PAUSED)
    return offer
