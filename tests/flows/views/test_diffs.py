"""Pages about playlists: what a push changes, song by song, and why it was refused."""

from __future__ import annotations

from typing import Any

from flows.views import diffs
from playlists.playlist_types import EditScript, Plan, PlaylistState, PushResult, Refusal


def plan(**details: Any) -> Plan:
    state = PlaylistState("mixed_bag", "id1", "Mixed *Bag*")
    given: dict[str, Any] = {"outcome": "planned", "wanted": ("spotify:track:a", "spotify:track:b")} | details
    return Plan("mixed_bag", "Mixed *Bag*", None, state, **given)


def test_a_diff_names_the_songs_and_shows_their_signs_as_they_are() -> None:
    script = EditScript(added=("spotify:track:a",), removed=("spotify:track:c",))
    result = PushResult("mixed_bag", "pushed", plan(script=script), "id1", calls=3)
    text = diffs.diff_markdown(result, {"spotify:track:a": "100% [Live] – P!nk_"}, is_dry_run=False)
    assert "# Mixed \\*Bag\\*: Pushed" in text
    assert "* + 100% \\[Live\\] – P!nk\\_" in text
    assert "* − spotify:track:c" in text


def test_a_diff_tells_what_changes_beside_the_songs() -> None:
    changed = plan(rename_to="New *name*", publish_as=True)
    text = diffs.diff_markdown(PushResult("mixed_bag", "planned", changed), {}, is_dry_run=True)
    assert "* name becomes New \\*name\\*" in text
    assert "* public becomes true, a request" in text


def test_a_long_diff_ends_with_how_many_more_there_are() -> None:
    script = EditScript(added=tuple(f"spotify:track:{number}" for number in range(70)))
    text = diffs.diff_markdown(PushResult("mixed_bag", "planned", plan(script=script)), {}, is_dry_run=True)
    assert "## Added (70)" in text
    assert "… and 20 more" in text


def test_a_refusal_stands_in_the_table_with_its_reason() -> None:
    refused = plan(outcome="refused", refusals=(Refusal("churn", "80% would change.", "Use force."),))
    row = diffs.table_row(PushResult("mixed_bag", "refused", refused))
    assert row["why"] == "80% would change."
    assert row["playlist"] == "[Mixed *Bag*](https://open.spotify.com/playlist/id1)"
