"""Leave: forget the sign-in, and say what a purge deletes."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

from profiles.spotify.client import SpotifyClient

if TYPE_CHECKING:
    from flows.purge import PurgePlan
    from profiles.database import Database
    from profiles.settings import Settings

APPS_PAGE = "https://www.spotify.com/account/apps/"
KILOBYTE = 1000


@dataclass(frozen=True)
class Disconnected:
    """A sign-in that was forgotten. `hints` are sentences: what the user may still want to do."""

    was_signed_in: bool
    hints: tuple[str, ...]


def disconnect(settings: Settings, database: Database) -> Disconnected:
    """Forget the sign-in; the data stays. SPOTIFY_REFRESH_TOKEN as it is now is not imported again."""
    with closing(SpotifyClient(settings, database)) as client:
        was_signed_in = client.tokens.forget()
    hints = [f"Spotify itself still lists the app: remove its access at {APPS_PAGE}"]
    if settings.spotify_refresh_token is not None:
        hints.append("SPOTIFY_REFRESH_TOKEN is still set; it is not imported again. Take it out of .env.")
    hints.append("The data stays until `tracker disconnect --purge`; `tracker login` connects again.")
    return Disconnected(was_signed_in, tuple(hints))


def preview_lines(plan: PurgePlan) -> list[str]:
    """Return what a purge deletes and what it leaves, for the terminal or an artifact."""
    filled = {name: rows for name, rows in plan.rows.items() if rows}
    lines = [f"In the database '{plan.database}': {len(plan.rows)} tables, {plan.row_count} rows"]
    width = max((len(name) for name in filled), default=0)
    lines += [f"  {name:<{width}}  {rows:>10}" for name, rows in filled.items()]
    lines += [f"  and your view {name}, which reads them" for name in plan.readers]
    if plan.files:
        lines.append("Files and folders:")
        lines += [f"  {entry.path}  {_size(entry.size_bytes)}" for entry in plan.files]
    if plan.drops_cluster:
        lines.append("The embedded database itself, which holds nothing else.")
    lines.append("What stays:")
    return lines + [f"  {sentence}" for sentence in plan.left]


def _size(size_bytes: float) -> str:
    for unit in ("bytes", "kB", "MB"):
        if size_bytes < KILOBYTE:
            return f"{size_bytes:.0f} {unit}"
        size_bytes /= KILOBYTE
    return f"{size_bytes:.1f} GB"
