from __future__ import annotations

from typing import Any

import pytest

from playlists.block import InvalidBlockError, read_block
from playlists.slugs import LONGEST_SLUG, InvalidSlugError, check_new_slug, slug_of


def test_a_title_is_enough() -> None:
    block = read_block("mine", {"title": "Mine"})
    assert (block.mode, block.on_empty, block.max_edit_calls, block.limit.tracks) == (
        "mirror",
        "keep",
        25,
        None,
    )


def test_the_whole_block_is_understood() -> None:
    block = read_block(
        "rediscover",
        {
            "title": "Rediscover",
            "enabled": True,
            "limit": {"tracks": 50, "minutes": None},
            "per_artist": 2,
            "per_album": None,
            "select_by": ["last_played_at asc nulls first"],
            "order_by": "random",
            "round_robin": None,
            "seed": "week",
            "artist_separation": 4,
            "include_unavailable": False,
            "include_excluded": False,
            "dedupe_recordings": True,
            "mode": "mirror",
            "on_empty": "keep",
            "max_churn": None,
            "requires": {"history_days": 0, "max_source_age_hours": 36},
            "reads_playlists": ["37i9dQZF1DXcBWIGoYBM5M"],
            "public": False,
            "max_edit_calls": 25,
        },
    )
    assert block.order_by == ("random",)
    assert read_block("rediscover", block.model_dump(mode="json")) == block


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"limits": {"tracks": 5}}, "'limits' is not known"),
        ({"limit": {"track": 5}}, "'limit.track' is not known"),
        ({"limit": {"tracks": 0}}, "'limit.tracks'"),
        ({"limit": {"tracks": 10_001}}, "10000"),
        ({"limit": {"tracks": "50"}}, "valid integer"),
        ({"order_by": "shuffled up"}, "'shuffled up' is no order; write a column"),
        ({"order_by": "plays; drop table x"}, "is no order"),
        ({"seed": "hour"}, "none, day, week, month or fixed"),
        ({"mode": "sync"}, "'mirror', 'append' or 'freeze'"),
        ({"on_empty": "delete"}, "'keep', 'clear' or 'fail'"),
        ({"max_churn": 50}, "less than or equal to 1"),
        ({"enabled": "yes"}, "valid boolean"),
        ({"title": " "}, "blank"),
        ({"reads_playlists": ["My list"]}, "no playlist id"),
        ({"mode": "append", "on_empty": "clear"}, "never removes"),
    ],
)
def test_a_wrong_value_is_told_with_its_remedy(wrong: dict[str, Any], told: str) -> None:
    with pytest.raises(InvalidBlockError) as caught:
        read_block("mine", {"title": "Mine", **wrong})
    assert told in str(caught.value)
    assert "playlist_mine.sql" in str(caught.value)


def test_a_missing_title_is_told() -> None:
    with pytest.raises(InvalidBlockError, match="'title' is missing"):
        read_block("mine", {})


def test_the_exclusions_playlist_has_no_rule() -> None:
    with pytest.raises(InvalidSlugError, match="stay out"):
        read_block("exclusions", {"title": "Mine"})


@pytest.mark.parametrize("slug", ["Mine", "1st", "a-b", "", "a" * 61])
def test_a_slug_is_lower_snake(slug: str) -> None:
    with pytest.raises(InvalidSlugError, match="no slug"):
        read_block(slug, {"title": "Mine"})


def test_long_titles_that_begin_alike_have_short_slugs_of_their_own() -> None:
    title = "Every liked song that I have not heard for six months and that was released in the nineties"
    slugs = {slug_of(f"{title}{end}") for end in ("", " or later", " or later still")}
    assert len(slugs) == 3
    assert all(len(slug) <= LONGEST_SLUG and slug.startswith("every_liked_song") for slug in slugs)
    assert slug_of(title) == slug_of(title)
    check_new_slug(slug_of(title))


def test_a_new_slug_that_is_too_long_for_a_table_is_refused() -> None:
    with pytest.raises(InvalidSlugError, match="43 characters"):
        check_new_slug("m" * (LONGEST_SLUG + 1))
