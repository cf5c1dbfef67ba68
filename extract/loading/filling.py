"""Fills what Spotify's latest answer lacks from an earlier answer. Pure functions.

A song that was taken down is still listed, with empty names. The latest answer is stored as it came. Where it
lacks something, the filled answer is stored in a column beside it.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from extract.loading.clean import text_or_none
from extract.loading.tables import FILLED

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from extract.loading.tables import Row

# Fields that say what an object is. Fields that change with time (popularity, playability) are never filled.
CONTENT = frozenset(
    {
        "track", "item", "album", "artists", "tracks", "items", "owner", "id", "uri", "type", "name",
        "display_name", "external_ids", "isrc", "explicit", "genres", "images", "url", "duration_ms",
        "track_number", "disc_number", "album_type", "total_tracks", "release_date",
        "release_date_precision",
    }
)  # fmt: skip
WRAPPED = ("track", "item")  # two names of one field: which of them is used depends on the API's mode
COUNTED_FROM_ONE = frozenset({"duration_ms", "track_number", "disc_number", "total_tracks"})
# an object in such a list counts only if it has this field
REQUIRED_IN_LIST = {"artists": "name", "images": "url", "items": "id"}


def filled(latest: Mapping[str, Any], earlier: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Return the latest answer filled with what it lacks; None where it lacks nothing.

    `earlier` is the stored answer about the same object, with what had been filled before.
    """
    if earlier is None:
        return None
    thing = next((earlier[key] for key in WRAPPED if isinstance(earlier.get(key), dict)), None)
    if thing is not None:
        named = [key for key in WRAPPED if key in latest] or list(WRAPPED[:1])
        earlier = {**earlier, **dict.fromkeys(WRAPPED), **dict.fromkeys(named, thing)}
    result = _fill_object(latest, earlier)
    return None if result == latest else result


@dataclass(frozen=True)
class StoredItem:
    """A stored playlist item: its uri, when it was added (as Spotify wrote it), and its filled payload."""

    uri: str | None
    added_at: str | None
    payload: dict[str, Any]


def fill_playlist_items(rows: list[Row], stored: list[StoredItem]) -> None:
    """Fill what items lack from the stored items of the same uri, at whatever position.

    An item that Spotify shows as null is recognised by the time when it was added. Where the numbers of null
    and of missing items of one time differ, they cannot be told apart and stay empty.
    """
    by_uri = {item.uri: item for item in reversed(stored) if item.uri}
    listed = {row["uri"] for row in rows}
    missing: dict[str, list[StoredItem]] = defaultdict(list)
    nulls: dict[str, list[Row]] = defaultdict(list)
    for item in stored:
        if item.uri and item.added_at and item.uri not in listed:
            missing[item.added_at].append(item)
    for row in rows:
        if row["uri"]:
            earlier = by_uri.get(row["uri"])
            row[FILLED] = filled(row["payload"], earlier.payload if earlier else None)
        elif added_at := text_or_none(row["payload"].get("added_at")):
            nulls[added_at].append(row)
    for added_at, null_rows in nulls.items():
        if len(null_rows) == len(missing[added_at]):
            for row, item in zip(null_rows, missing[added_at], strict=True):
                row[FILLED] = filled(row["payload"], item.payload)


def _fill_object(latest: Mapping[str, Any], earlier: Mapping[str, Any]) -> dict[str, Any]:
    if _are_different(latest, earlier):
        # another object, such as another album: its facts must not be mixed in, unless it has no name
        return dict(latest if _has_content("name", latest.get("name")) else earlier)
    result = dict(latest)
    for key in earlier.keys() & CONTENT:
        if _has_content(key, earlier[key]):
            result[key] = _fill_value(key, latest.get(key), earlier[key])
    if not _has_content("release_date", latest.get("release_date")) and "release_date" in result:
        result["release_date_precision"] = earlier.get("release_date_precision")
    return _complete_tracks(result, earlier)


def _fill_value(key: str, latest: Any, earlier: Any) -> Any:
    if isinstance(latest, dict) and isinstance(earlier, dict):
        return _fill_object(latest, earlier)
    if isinstance(latest, list) and isinstance(earlier, list):
        return _fill_list(key, latest, earlier)
    is_of_its_kind = isinstance(latest, type(earlier)) or not isinstance(earlier, dict | list | str)
    return latest if is_of_its_kind and _has_content(key, latest) else earlier


def _fill_list(key: str, latest: Sequence[Any], earlier: Sequence[Any]) -> list[Any]:
    known = {_id_of(one): one for one in earlier if _id_of(one)}
    listed = set(map(_id_of, latest))
    result = list(latest)
    for place, one in enumerate(latest):
        counterpart = known.get(_id_of(one))
        if not _id_of(one) and len(latest) == len(earlier) and _id_of(earlier[place]) not in listed:
            # it has no id: only its position says which one it is
            counterpart = earlier[place]
        if isinstance(counterpart, dict):
            result[place] = _fill_object(one if isinstance(one, dict) else {}, counterpart)
    return result if _has_content(key, result) else list(earlier)


def _complete_tracks(result: dict[str, Any], earlier: Mapping[str, Any]) -> dict[str, Any]:
    """Add tracks of a long album that could not be read this time."""
    items, total = result.get("items"), result.get("total")
    known = earlier.get("items")
    if isinstance(items, list) and isinstance(known, list) and isinstance(total, int):
        listed = {None, *map(_id_of, items)}
        missing = [one for one in known if _id_of(one) not in listed]
        result["items"] = [*items, *missing[: max(0, total - len(items))]]
    return result


def _are_different(latest: Mapping[str, Any], earlier: Mapping[str, Any]) -> bool:
    latest_id, earlier_id = _id_of(latest), _id_of(earlier)
    return bool(latest_id and earlier_id and latest_id != earlier_id)


def _id_of(thing: Any) -> str | None:
    return text_or_none(thing.get("id")) if isinstance(thing, dict) else None


def _has_content(key: str, value: Any) -> bool:
    if isinstance(value, str):
        return value.strip() != "" and not (key == "release_date" and value.startswith("0000"))
    if isinstance(value, list):
        required = REQUIRED_IN_LIST.get(key, "id")
        return any(item.get(required) if isinstance(item, dict) else item for item in value)
    if isinstance(value, int | float) and key in COUNTED_FROM_ONE:
        return value > 0
    return value is not None and value != {}
