"""What a push says of itself."""

from __future__ import annotations

from flows.push import PushReport
from playlists.playlist_types import Plan, PlaylistState, PushResult


def test_a_push_is_told_in_one_line() -> None:
    plan = Plan("mixed_bag", "Mixed", None, PlaylistState("mixed_bag", "id1", "Mixed"), outcome="planned")
    unchanged = PushResult("mixed_bag", "unchanged", plan)
    results = (PushResult("mixed_bag", "pushed", plan), unchanged, unchanged)
    assert PushReport(results, 4).summary == "1 pushed, 2 unchanged, 4 calls"
