"""What a run leaves to be looked at in the UI: what each push changes, and all playlists at a glance."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from prefect.artifacts import create_markdown_artifact, create_table_artifact

from flows.views.markdown import escape
from playlists.rules.language import Group

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from playlists.playlist_types import PushResult
    from playlists.rules.preview import Preview
    from playlists.rules.rule import Rule
    from profiles.database import Database

SHOWN = 50
PLAYLIST_ADDRESS = "https://open.spotify.com/playlist/"
NAMES = """
    select distinct on (track_uri) track_uri, title, artist
    from analytics.unified_tracks
    where track_uri = any(%s)
    order by track_uri
"""


def show_pushes(database: Database, results: Sequence[PushResult], *, is_dry_run: bool, is_all: bool) -> None:
    """Write one diff per playlist that changes or is refused, and where these are all, one table of them."""
    names = names_of(database, {uri for result in results for uri in changed_uris(result)})
    for result in results:
        if result.outcome in ("unchanged", "paused"):
            continue
        create_markdown_artifact(
            key=key_of(result.slug),
            markdown=diff_markdown(result, names, is_dry_run=is_dry_run),
            description=f"What the last {'preview' if is_dry_run else 'push'} of {result.plan.name} changes",
        )
    if results and is_all:
        create_table_artifact(
            key="playlists",
            table=[table_row(result) for result in results],
            description="Playlists: what would change" if is_dry_run else "Playlists after the last push",
        )


def key_of(slug: str) -> str:
    """Return the key of a playlist's artifact: its previews and diffs, the latest on top."""
    return f"playlist-{slug.replace('_', '-')}"


def changed_uris(result: PushResult) -> tuple[str, ...]:
    """Return the uris that a diff names."""
    script = result.plan.script
    return (*script.added, *script.removed, *script.moved)


def names_of(database: Database, uris: Iterable[str]) -> dict[str, str]:
    """Return `title – artist` by uri, for those in the library; a track that left it has only its uri."""
    if not database.relation_exists("analytics.unified_tracks"):
        return {}
    with database.transaction() as cursor:
        cursor.execute(NAMES, [list(uris)])
        return {uri: f"{title} – {artist}" for uri, title, artist in cursor.fetchall()}


def table_row(result: PushResult) -> dict[str, Any]:
    """Return one playlist's row of the table artifact."""
    plan, script = result.plan, result.plan.script
    playlist_id = result.playlist_id or plan.state.playlist_id
    return {
        "playlist": f"[{plan.name}]({PLAYLIST_ADDRESS}{playlist_id})" if playlist_id else plan.name,
        "slug": result.slug,
        "outcome": result.outcome.replace("_", " "),
        "size": len(plan.wanted),
        "added": len(script.added),
        "removed": len(script.removed),
        "moved": len(script.moved),
        "calls": result.calls,
        "why": reasons(result),
    }


def reasons(result: PushResult) -> str:
    """Return why a playlist was not pushed, or what is worth knowing of its push."""
    refused = [refusal.reason for refusal in result.plan.refusals]
    said = [*([result.error] if result.error else []), *refused, *result.notes]
    return "; ".join(dict.fromkeys(said))


def diff_markdown(result: PushResult, names: Mapping[str, str], *, is_dry_run: bool, listed: int = 0) -> str:
    """Return what a push changes, as markdown, what stands against it, and the first tracks of the result."""
    plan, script = result.plan, result.plan.script
    title = "Preview" if is_dry_run else result.outcome.replace("_", " ").capitalize()
    facts = (
        f"{len(plan.current)} → {len(plan.wanted)} tracks",
        f"{len(script.added)} added",
        f"{len(script.removed)} removed",
        f"{len(script.moved)} moved",
        f"{plan.churn:.0%} of the list changes",
        f"{plan.write_calls} calls that write",
    )
    lines = [f"# {escape(plan.name)}: {title}", "", " · ".join(facts), ""]
    if why := reasons(result):
        lines += [f"**{escape(why)}**", ""]
    for refusal in plan.refusals:
        lines += [f"* {escape(refusal.guard)}: {escape(refusal.reason)} {escape(refusal.remedy)}"]
    for detail, value in plan.new_details.items():
        asked = f"{str(value).lower()}, a request" if isinstance(value, bool) else value
        lines += [f"* {detail} becomes {escape(asked)}"]
    for heading, sign, uris in (
        ("Added", "+", script.added),
        ("Removed", "−", script.removed),
        ("Moved", "~", script.moved),
        ("New date added", "!", tuple(entry.uri or "" for entry in script.dates_lost)),
    ):
        lines += _section(heading, sign, uris, names)
    if listed:
        first = plan.wanted[:listed]
        lines += ["", f"## First {len(first)} of {len(plan.wanted)} tracks", ""]
        lines += [f"{place}. {escape(names.get(uri, uri))}" for place, uri in enumerate(first, start=1)]
    return "\n".join(lines)


def preview_markdown(found: Preview, rule: Rule) -> str:
    """Return what a rule would select: the count, the rule in words, the first tracks."""
    shown = [
        f"| {track['position']} | {escape(track['title'])} | {escape(track['artist'] or '')} |"
        for track in found.tracks
    ]
    more = [f"… and {found.count - len(shown)} more"] if found.count > len(shown) else []
    return "\n".join(
        [
            f"# {escape(found.title)}: Preview",
            "",
            f"**{found.count} tracks**, of {found.matched} that meet the conditions",
            "",
            *spoken(rule.group),
            "",
            *(f"**{escape(note)}**" for note in found.notes),
            *(["", "| | title | artist |", "|---:|---|---|", *shown, "", *more] if shown else []),
        ]
    )


def spoken(group: Group, level: int = 0) -> list[str]:
    """Return a rule as nested markdown bullets."""
    match = "All of these" if group.match == "all" else "Any of these"
    lines = [f"{'  ' * level}* {'Not: ' if group.negated else ''}{match}"]
    for part in group.conditions:
        lines += (
            spoken(part, level + 1)
            if isinstance(part, Group)
            else [f"{'  ' * (level + 1)}* {escape(str(part))}"]
        )
    return lines


def _section(heading: str, sign: str, uris: Sequence[str], names: Mapping[str, str]) -> list[str]:
    if not uris:
        return []
    shown = [f"* {sign} {escape(names.get(uri, uri))}" for uri in uris[:SHOWN]]
    more = [f"* … and {len(uris) - SHOWN} more"] if len(uris) > SHOWN else []
    return ["", f"## {heading} ({len(uris)})", "", *shown, *more]
