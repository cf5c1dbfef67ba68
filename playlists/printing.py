"""Rows of the tables that commands on playlists print."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from playlists.playlist_types import Plan, PushRecord, PushResult
    from profiles.terminal import Row

SHOWN = 10
"""Tracks of a kind in a diff for people; JSON has all of them."""


def plan_row(plan: Plan) -> Row:
    """One playlist in the table of plans."""
    return {
        "slug": plan.slug,
        "name": plan.name,
        "outcome": plan.outcome,
        "has": len(plan.current),
        "wanted": len(plan.wanted),
        "added": len(plan.script.added),
        "removed": len(plan.script.removed),
        "moved": len(plan.script.moved),
        "churn": round(plan.churn, 3),
        "calls": plan.write_calls,
        "replaces": plan.script.is_replace,
        "dates_lost": len(plan.script.dates_lost),
        "basis": plan.basis,
        "why": " ".join(refusal.reason for refusal in plan.refusals) or " ".join(plan.notes),
    }


def plan_detail(plan: Plan, titles: Mapping[str, str]) -> Row:
    """One plan with every track that comes, goes or moves."""

    def named(uris: Sequence[str]) -> list[Row]:
        return [{"uri": uri, "title": titles.get(uri)} for uri in uris]

    return {
        **plan_row(plan),
        "playlist_id": plan.state.playlist_id,
        "new_details": plan.new_details,
        "refusals": [
            {"guard": each.guard, "reason": each.reason, "remedy": each.remedy} for each in plan.refusals
        ],
        "notes": list(plan.notes),
        "tracks_added": named(plan.script.added),
        "tracks_removed": named(plan.script.removed),
        "tracks_moved": named(plan.script.moved),
        "tracks_with_a_new_date": [
            {"uri": entry.uri, "title": titles.get(entry.uri or ""), "added_at": entry.added_at}
            for entry in plan.script.dates_lost
        ],
        "operations": [operation.as_record() for operation in plan.script.operations],
        "selection": named(plan.wanted),
    }


def result_row(result: PushResult) -> Row:
    """One playlist in the table of results."""
    script = result.plan.script
    did = result.outcome in ("pushed", "planned")
    return {
        "slug": result.slug,
        "name": result.plan.name,
        "outcome": result.outcome,
        "playlist_id": result.playlist_id,
        "push_id": result.push_id,
        "tracks": len(result.plan.wanted),
        "added": len(script.added) if did else 0,
        "removed": len(script.removed) if did else 0,
        "moved": len(script.moved) if did else 0,
        "calls": result.calls,
        "why": why_of(result),
    }


def why_of(result: PushResult) -> str:
    """Why it was not pushed, or what is worth knowing of its push."""
    refused = [refusal.reason for refusal in result.plan.refusals]
    return " ".join([*([result.error] if result.error else []), *refused, *result.notes])


def push_row(push: PushRecord) -> Row:
    """One push in the table of the history."""
    return {
        "push": push.push_id,
        "started_at": push.started_at,
        "status": push.status,
        "tracks": None if push.after is None else len(push.after),
        "operations": len(push.operations),
        "calls": push.calls,
        "reason": push.reason,
        "error": push.error,
    }


def diff_lines(detail: Row) -> list[str]:
    """What one plan adds, removes, moves and loses, a line each, and why it is not pushed."""
    lines = []
    for key, sign in (
        ("tracks_added", "+"),
        ("tracks_removed", "-"),
        ("tracks_moved", "~"),
        ("tracks_with_a_new_date", "!"),
    ):
        tracks = detail[key]
        lines += [f"  {sign} {track['title'] or track['uri']}" for track in tracks[:SHOWN]]
        if len(tracks) > SHOWN:
            lines.append(f"  {sign} … and {len(tracks) - SHOWN} more")
    for name, value in detail["new_details"].items():
        lines.append(f"  {name} becomes {str(value).lower() if isinstance(value, bool) else value}")
    lines += [f"  not pushed: {refusal['reason']} {refusal['remedy']}" for refusal in detail["refusals"]]
    return lines + [f"  {note}" for note in detail["notes"]]
