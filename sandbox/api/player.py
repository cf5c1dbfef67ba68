"""The routes of listening: the 50 latest plays, and the top artists and tracks."""

from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta

from fastapi import APIRouter
from fastapi.responses import Response

from sandbox.account.account import Account
from sandbox.account.model import Report
from sandbox.api.context import Ctx, reply
from sandbox.api.errors import bad_request, not_found

router = APIRouter()
REACHABLE = 50
RANGES = {
    "short_term": timedelta(days=28),
    "medium_term": timedelta(days=182),
    "long_term": timedelta(days=365),
}
ARRIVALS_WITHIN = timedelta(days=14)


def latest_reports(account: Account) -> list[Report]:
    """Return the at most 50 reports that any call can reach, in the order in which they are served."""
    now = account.now
    if account.options.recently_played_order == "arrival":
        recent = [one for one in _newest(account, now) if one.played_at > now - ARRIVALS_WITHIN]
        return sorted(recent, key=lambda one: (one.visible_at, one.played_at), reverse=True)[:REACHABLE]
    return [report for report, _ in zip(_newest(account, now), range(REACHABLE), strict=False)]


def _newest(account: Account, now: datetime) -> Iterator[Report]:
    return (one for one in reversed(account.reports) if one.played_at <= now and one.visible_at <= now)


def to_ms(moment: datetime) -> int:
    """Return a time as Unix milliseconds."""
    return round(moment.timestamp() * 1000)


@router.get("/me/player/recently-played")
async def recently_played(ctx: Ctx) -> Response:
    """Answer with the latest plays and cursors.

    `after` and `before` (Unix ms) reach the 50 latest plays only. `after` pages forward in time: it gives the
    plays that directly follow that time, still newest first.
    """
    limit = ctx.limit()
    if "after" in ctx.query and "before" in ctx.query:
        raise bad_request("Only one of after or before may be specified")
    after = ctx.number("after", -1, 0, None)
    before = ctx.number("before", -1, 0, None)
    reports = [
        one
        for one in latest_reports(ctx.account)
        if (after < 0 or to_ms(one.played_at) > after) and (before < 0 or to_ms(one.played_at) < before)
    ]
    reports = reports[-limit:] if after >= 0 else reports[:limit]
    address = f"{ctx.shapes.base}/me/player/recently-played"
    cursors = None
    following = None
    if reports:
        cursors = {"after": str(to_ms(reports[0].played_at)), "before": str(to_ms(reports[-1].played_at))}
        # Spotify sends the link even if nothing follows
        way = "after" if after >= 0 else "before"
        following = f"{address}?{way}={cursors[way]}&limit={limit}"
    return reply(
        {
            "items": [ctx.shapes.played(one) for one in reports],
            "next": following,
            "cursors": cursors,
            "limit": limit,
            "href": f"{address}?limit={limit}",
        }
    )


@router.get("/me/top/{type}")
async def top(ctx: Ctx) -> Response:
    """Answer with the most played artists or tracks of about four weeks, six months or a year."""
    kind = ctx.request.path_params["type"]
    span = RANGES.get(ctx.query.get("time_range", "medium_term"))
    if span is None:
        raise bad_request("Invalid time range")
    limit, offset = ctx.limit(), ctx.offset()
    tracks = played_tracks(ctx.account, span)
    if kind == "tracks":
        ranked = [one for one, _ in tracks.most_common()]
        items = [
            ctx.shapes.track(ctx.account.tracks[one], "playability")
            for one in ranked[offset : offset + limit]
        ]
    elif kind == "artists":
        artists: Counter[str] = Counter()
        for track_id, count in tracks.items():
            artists[ctx.account.tracks[track_id].artist_ids[0]] += count
        ranked = [one for one, _ in artists.most_common()]
        items = [ctx.shapes.artist(ctx.account.artists[one]) for one in ranked[offset : offset + limit]]
    else:
        raise not_found("Service not found")
    return ctx.page(f"/me/top/{kind}", items, len(ranked), limit, offset)


def played_tracks(account: Account, span: timedelta) -> Counter[str]:
    """Return how often each track id was reported in the last `span`."""
    now = account.now
    counts: Counter[str] = Counter()
    for report in reversed(account.reports):
        if report.played_at < now - span:
            break
        if report.visible_at <= now:
            counts[report.track_id] += 1
    return counts
