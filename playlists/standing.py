"""How each playlist stands: selected, switched on or off, on Spotify or not, and why it is not pushed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from playlists import records
from playlists.rules import stored_rules
from playlists.selections import NothingBuiltError, read_selections

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from playlists.playlist_types import PlaylistState, Selection
    from playlists.rules.stored_rules import StoredRule
    from profiles.database import Database
    from profiles.errors import InputError


@dataclass(frozen=True)
class Standing:
    """One playlist. `state` is off, not created yet, active, paused, failing or deleted_on_spotify."""

    slug: str
    name: str
    state: str
    selected: int | None
    playlist_id: str | None
    last_push_at: datetime | None
    why: str | None
    rule: StoredRule | None
    """None for a playlist that is a model."""


def read_standings(database: Database) -> list[Standing]:
    """Return every playlist that there is or was, by slug."""
    states = records.read_states(database)
    selections: Mapping[str, Selection]
    invalid: Mapping[str, InputError]
    try:
        selections, invalid = read_selections(database)
    except NothingBuiltError:
        selections, invalid = {}, {}
    kept = stored_rules.load_all(database)
    return [
        _standing(slug, states.get(slug), selections.get(slug), kept.get(slug), invalid)
        for slug in sorted({*states, *selections, *invalid, *kept})
    ]


def _standing(
    slug: str,
    state: PlaylistState | None,
    selection: Selection | None,
    rule: StoredRule | None,
    invalid: Mapping[str, InputError],
) -> Standing:
    is_enabled = selection is None or (
        state.is_enabled(selection.block.enabled) if state else selection.block.enabled
    )
    standing = state.state if state and state.playlist_id else "not created yet"
    return Standing(
        slug=slug,
        name=_name(slug, selection, state, rule),
        state=standing if is_enabled or standing != "not created yet" else "off",
        selected=len(selection.uris) if selection else None,
        playlist_id=state.playlist_id if state else None,
        last_push_at=state.last_push_at if state else None,
        why=_why(slug, state, invalid, is_waiting=rule is not None and selection is None),
        rule=rule,
    )


def _name(
    slug: str, selection: Selection | None, state: PlaylistState | None, rule: StoredRule | None
) -> str:
    if selection is not None:
        return selection.block.title
    return rule.title if rule else (state.name if state is not None and state.name else slug)


def _why(
    slug: str, state: PlaylistState | None, invalid: Mapping[str, InputError], *, is_waiting: bool
) -> str | None:
    if slug in invalid:
        return str(invalid[slug])
    if state is not None and state.state_reason:
        return state.state_reason
    return "Not built yet: `tracker build`." if is_waiting else None
