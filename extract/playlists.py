"""The user's playlists, and the items of those that a rule or the exclusions look into."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from extract.loading.clean import clean, optional_time, text_or_none
from extract.loading.filling import StoredItem, fill_playlist_items
from extract.loading.resources import resource_of, rows_of
from extract.loading.source_checks import read_check, write_check
from extract.loading.stored_payloads import changed_rows, stored_payloads
from extract.loading.syncing import Sync, sync
from extract.loading.tables import IS_GONE, PLAYLIST_ITEMS, PLAYLISTS, Row
from extract.loading.whole_view import PAGE_SIZE, PageFacts, why_not_whole
from profiles.errors import Forbidden, NotFound

if TYPE_CHECKING:
    from collections.abc import Iterable

    from extract.loading.resources import Pages
    from extract.report import LoadReport
    from profiles.database import Database
    from profiles.session import Session
    from profiles.spotify.client import SpotifyClient

logger = logging.getLogger(__name__)

EXCLUSIONS_SLUG = "exclusions"
ATTEMPTS = 2  # a list that is edited while it is read is read once more; then the stored one is kept


@resource_of(PLAYLISTS)
def playlists(client: SpotifyClient, pages: list[PageFacts]) -> Pages:
    """Yield the user's playlists, and add the facts of each page to `pages`. Null entries yield no row."""
    for page in client.pages("me/playlists", limit=PAGE_SIZE):
        pages.append(PageFacts.of(page))
        listed = [clean(item) if isinstance(item, dict) else {} for item in page.items]
        yield [
            {
                "playlist_id": playlist["id"],
                "snapshot_id": text_or_none(playlist.get("snapshot_id")),
                "payload": playlist,
            }
            for playlist in listed
            if text_or_none(playlist.get("id"))
        ]


@resource_of(PLAYLIST_ITEMS)
def playlist_items(
    client: SpotifyClient, playlist_id: str, snapshot_id: str | None, pages: list[PageFacts]
) -> Pages:
    """Yield the items of a playlist by position, and add the facts of each page to `pages`.

    Null and local items are rows too. The request has no `fields`: a filter that names the wrong wrapper
    gives empty objects, which look like an emptied playlist.
    """
    for page in client.pages(
        f"playlists/{playlist_id}/items", limit=PAGE_SIZE, additional_types="track,episode"
    ):
        pages.append(PageFacts.of(page))
        yield [
            _item_row(playlist_id, snapshot_id, position, item)
            for position, item in enumerate(page.items, start=page.offset)
        ]


def sync_playlists(session: Session, playlist_ids: Iterable[str]) -> LoadReport:
    """Bring `playlists` in line with GET /me/playlists, and `playlist_items` for the given playlist ids.

    The stored listing is replaced in one transaction, and only by a whole one. Items are read where
    `snapshot_id` differs from that of the last complete read. A playlist that is not listed (the user deleted
    it), not readable or edited meanwhile keeps its stored items; `detail["kept"]` says which and why.
    """
    with sync(session, PLAYLISTS.name, "playlists") as run:
        if run.has_lock:
            listing = _sync_listing(run)
            kept: dict[str, str] = {}
            for playlist_id in sorted(set(playlist_ids)) if listing is not None else ():
                listed = (listing or {}).get(playlist_id)
                reason = _sync_items(run, playlist_id, listed)
                if reason is not None:
                    kept[playlist_id] = reason
                    logger.log(
                        logging.WARNING if listed else logging.INFO,
                        "playlist %s: its stored items are kept, %s",
                        playlist_id,
                        reason,
                    )
            if kept:
                run.detail["kept"] = kept
    return run.report()


def watched_playlists(session: Session) -> list[str]:
    """Return the ids of the exclusions playlist and of the playlists whose items are stored already."""
    with session.database.transaction() as cursor:
        cursor.execute(
            """
            select playlist_id from ops.playlists where slug = %s and playlist_id is not null
            union
            select substr(resource, length('playlist_items:') + 1) from ops.source_checks
            where resource like 'playlist\\_items:%%'
            """,
            [EXCLUSIONS_SLUG],
        )
        return sorted(playlist_id for (playlist_id,) in cursor.fetchall())


def _sync_listing(run: Sync) -> dict[str, Row] | None:
    """Read all of the user's playlists and store what differs. Returns the rows by id, None if not whole.

    No playlist counts as deleted while some may be hidden: by a null entry, which may be any of the stored
    ones, or because the consent does not cover private or collaborative playlists.
    """
    spotify = run.session.spotify
    for _ in range(ATTEMPTS):
        pages: list[PageFacts] = []
        listed: dict[str, Row] = {}
        count = 0
        for row in rows_of(playlists(spotify, pages)):
            listed.setdefault(row["playlist_id"], row)
            count += 1
        nulls = sum(page.count for page in pages) - count
        not_whole = why_not_whole(pages, len(listed) + nulls)
        if not_whole is None:
            break
    else:
        logger.warning("playlists: the stored listing is kept, %s", not_whole)
        run.detail["not_whole"] = not_whole
        return None
    stored = stored_payloads(run.session.database, PLAYLISTS)
    # its pictures, its description and the number of its items may well be none: only the name is filled
    changed = changed_rows(PLAYLISTS, listed.values(), stored, keep=["name"])
    gone: list[Row] = [{"playlist_id": id_, IS_GONE: True} for id_ in stored if id_ not in listed]
    if hidden := [*spotify.scopes_hiding_playlists(), *(["null entries"] if nulls else [])]:
        run.detail["hidden"] = hidden
        logger.warning("playlists: none counts as deleted, the list is not whole: %s", ", ".join(hidden))
        gone = []
    run.load({PLAYLISTS: [*changed, *gone]})
    run.rows -= len(gone)
    run.removed += len(gone)
    run.detail["listed"] = len(listed)
    run.record_check(len(listed))
    return listed


def _sync_items(run: Sync, playlist_id: str, listed: Row | None) -> str | None:
    """Store the items of one playlist. Returns why the stored ones are kept, None where they are current."""
    if listed is None:
        return "it is not among the user's playlists"
    database, resource = run.session.database, f"{PLAYLIST_ITEMS.name}:{playlist_id}"
    snapshot_id = listed["snapshot_id"]
    check = read_check(database, resource)
    stored_count = _count_stored_items(database, playlist_id)
    # the number of rows shows a check that outlived them (a purge, a restored backup)
    if (
        check
        and snapshot_id
        and check.detail.get("snapshot_id") == snapshot_id
        and check.total == stored_count
    ):
        write_check(database, resource, run.started_at, check.total, check.detail)
        return None
    try:
        rows, snapshot_id, reason = _read_items(run.session.spotify, playlist_id, snapshot_id)
    except (Forbidden, NotFound) as error:
        return str(error)
    if reason is not None:
        return reason
    surplus: list[Row] = [
        {"playlist_id": playlist_id, "position": position, IS_GONE: True}
        for position in range(len(rows), stored_count)
    ]
    fill_playlist_items(rows, _stored_items(database, playlist_id))
    loaded = run.load({PLAYLIST_ITEMS: [*rows, *surplus]})
    run.rows -= len(surplus)
    total = len(rows) - len(loaded.rejected)
    write_check(database, resource, run.started_at, total, {"snapshot_id": snapshot_id})
    return None


def _read_items(
    client: SpotifyClient, playlist_id: str, snapshot_id: str | None
) -> tuple[list[Row], str | None, str | None]:
    """Read all items, once more where the playlist was edited meanwhile.

    Returns the rows, their snapshot, and why they are not one whole view (None: they are). Several pages are
    one view only if the snapshot is the same afterwards.
    """
    for _ in range(ATTEMPTS):
        pages: list[PageFacts] = []
        rows = list(rows_of(playlist_items(client, playlist_id, snapshot_id, pages)))
        reason = why_not_whole(pages, len(rows))
        if len(pages) > 1:
            current = text_or_none(client.get(f"playlists/{playlist_id}").get("snapshot_id"))
            if reason is None and current != snapshot_id:
                reason = "it changed while it was read"
            if reason is not None:
                snapshot_id = current
        if reason is None:
            break
    return rows, snapshot_id, reason


def _item_row(playlist_id: str, snapshot_id: str | None, position: int, item: Any) -> Row:
    payload = clean(item) if isinstance(item, dict) else {}
    return {
        "playlist_id": playlist_id,
        "position": position,
        "snapshot_id": snapshot_id,
        "uri": _uri_in(payload),
        "added_at": optional_time(payload.get("added_at")),
        "payload": payload,
    }


def _uri_in(payload: dict[str, Any]) -> str | None:
    """The uri of the track or episode, which stands under `item` or, in older answers, under `track`."""
    thing = payload.get("item") or payload.get("track")
    return text_or_none(thing.get("uri")) if isinstance(thing, dict) else None


def _count_stored_items(database: Database, playlist_id: str) -> int:
    with database.transaction() as cursor:
        cursor.execute(
            "select count(*) from raw_spotify.playlist_items where playlist_id = %s", [playlist_id]
        )
        ((count,),) = cursor.fetchall()
        return int(count)


def _stored_items(database: Database, playlist_id: str) -> list[StoredItem]:
    with database.transaction() as cursor:
        cursor.execute(
            "select coalesce(filled_payload, payload) from raw_spotify.playlist_items"
            " where playlist_id = %s order by position",
            [playlist_id],
        )
        return [
            StoredItem(_uri_in(payload), text_or_none(payload.get("added_at")), payload)
            for (payload,) in cursor
        ]
