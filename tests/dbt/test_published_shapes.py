"""Whatever the published shapes allow goes through staging, and through all that stands on it."""

from __future__ import annotations

import itertools
import json
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.dbt.payloads import execute, rows
from tests.dbt.published import (
    PUBLISHED,
    SHAPES,
    Manner,
    Shapes,
    as_legacy,
    published_shapes,
    without_left_out,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.dbt.conftest import Warehouse

RANDOM: list[Manner] = ["random"] * 40
MANNERS: tuple[Manner, ...] = ("whole", "bare", "nulls", *RANDOM)
SCHEMAS = {
    "liked_tracks": "SavedTrackObject",
    "saved_albums": "SavedAlbumObject",
    "recently_played": "PlayHistoryObject",
    "playlist_items": "PlaylistTrackObject",
}
Json = dict[str, Any]


def shapes(table: str) -> Iterator[Json]:
    """Payloads of a raw table in both modes of the API."""
    published = Shapes()
    modes: tuple[Callable[[Json], Json], ...] = (lambda made: made, without_left_out, as_legacy)
    for (seed, manner), mode in itertools.product(enumerate(MANNERS), modes):
        made = published.make(SCHEMAS[table], manner, seed)
        yield mode(made)


def keys(table: str, number: int, payload: Json) -> Json:
    """The key columns as extract writes them; it stores no row without its id."""
    moment = f"2026-06-01T10:{number // 60:02}:{number % 60:02}Z"
    thing = payload.get("item") or payload.get("track") or {}
    uri = f"spotify:track:t{number % 100}" if isinstance(thing, dict) else None
    found: dict[str, Json] = {
        "liked_tracks": {"track_id": f"t{number}", "added_at": moment},
        "saved_albums": {"album_id": f"a{number}", "added_at": moment},
        "recently_played": {"track_uri": f"spotify:track:t{number % 100}", "played_at": moment},
        "playlist_items": {"playlist_id": "p", "position": number, "uri": uri},
    }
    return found[table]


@pytest.fixture(scope="module")
def counts(warehouse: Warehouse) -> dict[str, int]:
    """How many payloads went into each raw table, after a build over them."""
    stored = dict.fromkeys(SCHEMAS, 0)
    execute(
        warehouse.database,
        "insert into raw_spotify._dlt_loads (load_id, schema_name, status, inserted_at)"
        " values ('1', 'test', 0, now())",
    )
    for table in SCHEMAS:
        for number, payload in enumerate(shapes(table)):
            row = {
                **keys(table, number, payload),
                "payload": json.dumps(payload),
                "_dlt_load_id": "1",
                "_dlt_id": "1",
            }
            places = ", ".join(["%s"] * len(row))
            execute(
                warehouse.database,
                f"insert into raw_spotify.{table} ({', '.join(row)}) values ({places})",
                row.values(),
            )
            stored[table] += 1
    warehouse.build()
    return stored


@pytest.mark.parametrize("table", list(SCHEMAS))
def test_every_shape_goes_through_staging(warehouse: Warehouse, counts: dict[str, int], table: str) -> None:
    # every column of every row is worked out: a view alone would have hidden an error
    found = rows(warehouse.database, f"select to_jsonb(view) from staging.stg_spotify__{table} as view")
    assert len(found) == counts[table]


def test_a_whole_track_arrives_whole(warehouse: Warehouse, counts: dict[str, int]) -> None:
    query = """
        select payload -> 'track', to_jsonb(seen)
        from raw_spotify.liked_tracks inner join staging.stg_spotify__liked_tracks as seen using (track_id)
        where track_id in ('t0', 't1')
    """
    for sent, seen in rows(warehouse.database, query):
        assert seen["title"] == (sent["name"] or None)
        assert seen["artists"] == [artist["name"] for artist in sent["artists"] if artist["name"]]
        assert seen["album_id"] == (sent["album"]["id"] or None)
        assert seen["explicit"] == sent["explicit"]


def test_tracks_of_albums_go_through_staging(warehouse: Warehouse, counts: dict[str, int]) -> None:
    assert rows(
        warehouse.database, "select to_jsonb(view) from staging.stg_spotify__saved_album_tracks as view"
    )


def test_a_shape_without_fields_is_still_in_the_library(warehouse: Warehouse, counts: dict[str, int]) -> None:
    liked = rows(warehouse.database, "select count(*) from analytics.unified_tracks where is_liked")
    assert liked == [(counts["liked_tracks"],)]


@pytest.mark.skipif(not PUBLISHED.exists(), reason="Spotify's own description is not on this machine")
def test_our_shapes_are_the_published_ones() -> None:
    ours = yaml.safe_load(SHAPES.read_text(encoding="utf-8"))
    assert ours == published_shapes(set(SCHEMAS.values()))
