"""Turns the account into Spotify's JSON objects, for both modes.

New Development Mode leaves fields out of every object, and renames a playlist's `tracks` to `items` and an
entry's `track` to `item`. Legacy mode has all fields, under both names. If a call sends `market`, playability
is shown, tracks are relinked, and `available_markets` is left out.
"""

from __future__ import annotations

import html
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, Literal
from urllib.parse import quote, unquote_plus

from sandbox.account.ids import opaque_id

if TYPE_CHECKING:
    from sandbox.account.account import Account
    from sandbox.account.model import Album, Artist, Entry, Episode, Playlist, Report, SavedAlbum, Track

Json = dict[str, Any]
Mode = Literal["new-dev", "legacy"]
Disclosure = Literal["nothing", "playability", "restrictions"]
"""What an object says about playability if the call sends no `market`. The lists of the library say more."""
MARKETS: Final = ("AT", "CH", "DE", "FR", "GB", "US")
EMBEDDED_TRACKS: Final = 50
ISRC_REMAINS: Final = "external_ids"  # removed in February 2026, back since March


def to_seconds(moment: datetime | None) -> str | None:
    """Return a time as Spotify writes `added_at`."""
    return None if moment is None else moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def to_milliseconds(moment: datetime) -> str:
    """Return a time as Spotify writes `played_at`."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@dataclass(frozen=True)
class Shapes:
    """Makes the JSON objects of one request.

    `base` is the API's address; `market` is None if it was not sent.
    """

    account: Account
    mode: Mode
    base: str
    market: str | None = None

    @property
    def is_legacy(self) -> bool:
        """Whether all fields are shown, under their old names too."""
        return self.mode == "legacy"

    @property
    def item_keys(self) -> tuple[str, ...]:
        """The keys that hold the track in a playlist's entry."""
        return ("track", "item") if self.is_legacy else ("item",)

    @property
    def items_keys(self) -> tuple[str, ...]:
        """The keys that hold the entries in a playlist."""
        return ("tracks", "items") if self.is_legacy else ("items",)

    @property
    def names_markets(self) -> bool:
        """Whether objects have `available_markets`."""
        return self.is_legacy and not self.market

    def _identity(self, kind: str, identifier: str) -> Json:
        return {
            "external_urls": {"spotify": f"https://open.spotify.com/{kind}/{identifier}"},
            "href": f"{self.base}/{kind}s/{identifier}",
            "id": identifier,
            "type": kind,
            "uri": f"spotify:{kind}:{identifier}",
        }

    def _images(self, identifier: str) -> list[Json]:
        images = f"{self.base.removesuffix('/v1')}/image"
        return [
            {"url": f"{images}/sandbox-{identifier}-{size}", "height": size, "width": size}
            for size in (640, 300, 64)
        ]

    # -- artists

    def simple_artists(self, artist_ids: list[str]) -> list[Json]:
        """Return artists as tracks and albums contain them."""
        return [
            {**self._identity("artist", one), "name": self.account.artists[one].name} for one in artist_ids
        ]

    def artist(self, artist: Artist) -> Json:
        """Return a full artist."""
        shape = {
            **self._identity("artist", artist.id),
            "name": artist.name,
            "genres": artist.genres,
            "images": self._images(artist.id),
        }
        if self.is_legacy:
            shape |= {
                "popularity": artist.popularity,
                "followers": {"href": None, "total": artist.followers},
            }
        return shape

    # -- albums

    def simple_album(self, album: Album) -> Json:
        """Return an album as tracks contain it."""
        shape = {
            **self._identity("album", album.id),
            "album_type": album.album_type,
            "total_tracks": len(album.track_ids),
            "images": self._images(album.id),
            "name": album.name,
            "release_date": album.release_date,
            "release_date_precision": album.release_precision,
            "artists": self.simple_artists(album.artist_ids),
        }
        if self.market:
            shape["is_playable"] = any(self.account.tracks[one].is_playable for one in album.track_ids)
        if self.names_markets:
            shape["available_markets"] = list(MARKETS)
        return shape

    def artist_album(self, album: Album) -> Json:
        """Return an album as the list of an artist's albums contains it."""
        shape = self.simple_album(album)
        return {**shape, "album_group": album.album_type} if self.is_legacy else shape

    def album(self, album: Album, disclosure: Disclosure = "nothing") -> Json:
        """Return a full album with its first 50 tracks."""
        shape = {
            **self.simple_album(album),
            "tracks": self.album_tracks_page(album, EMBEDDED_TRACKS, 0, disclosure),
            "copyrights": [{"text": f"(P) {album.release_date[:4]} {album.label}", "type": "P"}],
            "external_ids": {"upc": album.upc} if album.upc else {},
            "genres": [],
        }
        if self.is_legacy:
            shape |= {"label": album.label, "popularity": album.popularity}
        return shape

    def album_tracks_page(
        self, album: Album, limit: int, offset: int, disclosure: Disclosure = "nothing"
    ) -> Json:
        """Return a page of the album's tracks, as embedded in the album and as listed."""
        tracks = [self.account.tracks[one] for one in album.track_ids[offset : offset + limit]]
        items = [self.simple_track(track, disclosure) for track in tracks]
        return self.page(f"/albums/{album.id}/tracks", items, len(album.track_ids), limit, offset, {})

    def saved_album(self, saved: SavedAlbum) -> Json:
        """Return an entry of GET /me/albums."""
        album = None if saved.is_null else self.album(self.account.albums[saved.album_id], "restrictions")
        return {"added_at": to_seconds(saved.added_at), "album": album}

    # -- tracks

    def _playable(self, track: Track, disclosure: Disclosure) -> tuple[Track, Json]:
        """Return the track that is shown for the market, and the keys about its playability."""
        if not self.market:
            return track, self._without_market(track, disclosure)
        target = self.account.tracks.get(track.relinked_to or "")
        if target is not None:
            linked = {"linked_from": self._identity("track", track.id)} if self.is_legacy else {}
            return target, {"is_playable": True, **linked}
        if track.is_playable:
            return track, {"is_playable": True}
        return track, {"is_playable": False, "restrictions": {"reason": track.restriction}}

    def _without_market(self, track: Track, disclosure: Disclosure) -> Json:
        """Return what is said about a track's playability if the call sends no `market`.

        Never `linked_from`.
        """
        is_playable = track.is_playable or track.relinked_to in self.account.tracks
        playability = {"is_playable": is_playable} if disclosure == "playability" else {}
        restrictions = {} if is_playable or disclosure == "nothing" else {"reason": track.restriction}
        return {**playability, **({"restrictions": restrictions} if restrictions else {})}

    def simple_track(self, track: Track, disclosure: Disclosure = "nothing") -> Json:
        """Return a track as albums contain it: without album and external ids."""
        shown, availability = self._playable(track, disclosure)
        shape = {
            **self._identity("track", shown.id),
            "artists": self.simple_artists(shown.artist_ids),
            "disc_number": shown.disc_number,
            "duration_ms": shown.duration_ms,
            "explicit": shown.explicit,
            **availability,
            "name": shown.name,
            "preview_url": None,
            "track_number": shown.track_number,
            "is_local": False,
        }
        if self.names_markets:
            shape["available_markets"] = list(MARKETS) if shown.is_playable else []
        return shape

    def track(self, track: Track, disclosure: Disclosure = "nothing") -> Json:
        """Return a full track."""
        shown, _ = self._playable(track, disclosure)
        shape = self.simple_track(track, disclosure)
        shape["album"] = self.simple_album(self.account.albums[shown.album_id])
        shape[ISRC_REMAINS] = {"isrc": shown.isrc} if shown.isrc else {}
        if self.is_legacy:
            shape["popularity"] = shown.popularity
        return shape

    def played(self, report: Report) -> Json:
        """Return an entry of recently-played. The key is `track` in both modes."""
        return {
            "track": self.track(self.account.tracks[report.track_id]),
            "played_at": to_milliseconds(report.played_at),
            "context": self._context(report.context_uri),
        }

    def _context(self, uri: str | None) -> Json | None:
        if uri is None:
            return None
        kind, identifier = uri.split(":")[-2:]
        return {
            "type": kind,
            "href": f"{self.base}/{kind}s/{identifier}",
            "external_urls": {"spotify": f"https://open.spotify.com/{kind}/{identifier}"},
            "uri": uri,
        }

    # -- playlists

    def entry(self, entry: Entry) -> Json:
        """Return an entry of a playlist."""
        adder = entry.added_by
        item = self._item(entry)
        return {
            "added_at": to_seconds(entry.added_at),
            "added_by": None if adder is None else self._identity("user", adder),
            "is_local": entry.is_local,
            "primary_color": None,
            **dict.fromkeys(self.item_keys, item),
            "video_thumbnail": {"url": None},
        }

    def _item(self, entry: Entry) -> Json | None:
        if entry.uri is None:
            return None
        if entry.is_local:
            return self._local(entry.uri)
        kind, identifier = entry.uri.split(":")[1:3]
        if kind == "episode":
            episode = self.account.episodes.get(identifier)
            return self._episode(episode) if episode else None
        track = self.account.tracks.get(identifier)
        if track is None:
            return None
        # a playlist's items carry `episode` and `track` beside `type`, for clients that expect tracks only
        return {**self.track(track), "episode": False, "track": True}

    def _episode(self, episode: Episode) -> Json:
        return {
            **self._identity("episode", episode.id),
            "audio_preview_url": None,
            "description": "",
            "html_description": "",
            "duration_ms": episode.duration_ms,
            "explicit": False,
            "images": self._images(episode.id),
            "is_externally_hosted": False,
            "is_playable": True,
            "language": "en",
            "languages": ["en"],
            "name": episode.name,
            "release_date": "2024-05-01",
            "release_date_precision": "day",
            "show": self._show(episode.show_name),
            "episode": True,
            "track": False,
        }

    def _show(self, name: str) -> Json:
        identifier = opaque_id("show", name)
        shape = {
            **self._identity("show", identifier),
            "copyrights": [],
            "description": f"All about {name}.",
            "explicit": False,
            "html_description": f"<p>All about {html.escape(name)}.</p>",
            "images": self._images(identifier),
            "is_externally_hosted": False,
            "languages": ["en"],
            "media_type": "audio",
            "name": name,
            "total_episodes": sum(one.show_name == name for one in self.account.episodes.values()),
        }
        if self.is_legacy:
            shape["publisher"] = name
        return {**shape, "available_markets": list(MARKETS)} if self.names_markets else shape

    def _local(self, uri: str) -> Json:
        artist, album, title, seconds = map(unquote_plus, uri.split(":")[2:6])
        nobody: Json = {"external_urls": {}, "href": None, "id": None, "uri": None}
        shape: Json = {
            **nobody,
            "album": {
                **nobody,
                "album_type": None,
                "artists": [],
                "images": [],
                "name": album,
                "release_date": None,
                "release_date_precision": None,
                "type": "album",
            },
            "artists": [{**nobody, "name": artist, "type": "artist"}],
            "disc_number": 0,
            "duration_ms": int(seconds) * 1000,
            "explicit": False,
            "external_ids": {},
            "is_local": True,
            "name": title,
            "preview_url": None,
            "track_number": 0,
            "type": "track",
            "uri": uri,
        }
        if self.is_legacy:
            shape["popularity"] = 0
        return {**shape, "available_markets": []} if self.names_markets else shape

    def is_readable(self, playlist: Playlist) -> bool:
        """Whether the user owns the playlist or collaborates. Else new Development Mode hides its entries."""
        return playlist.owner_id == self.account.profile.id or playlist.is_collaborative

    def simple_playlist(self, playlist: Playlist, snapshot_id: str, total: int) -> Json:
        """Return a playlist as GET /me/playlists contains it."""
        owner = {**self._identity("user", playlist.owner_id), "display_name": playlist.owner_id}
        if playlist.owner_id == self.account.profile.id:
            owner["display_name"] = self.account.profile.display_name
        shape = {
            **self._identity("playlist", playlist.id),
            "collaborative": playlist.is_collaborative,
            "description": playlist.description or "",
            "images": self._images(playlist.id)[:1] if total else None,
            "name": playlist.name,
            "owner": owner,
            "primary_color": None,
            "public": playlist.is_public,
            "snapshot_id": snapshot_id,
        }
        if self.is_legacy or self.is_readable(playlist):
            for key in self.items_keys:
                shape[key] = {"href": f"{self.base}/playlists/{playlist.id}/{key}", "total": total}
        return shape

    # -- the rest

    def profile(self) -> Json:
        """Return the object of GET /me."""
        profile = self.account.profile
        shape = {
            **self._identity("user", profile.id),
            "account_id": profile.account_id,
            "display_name": profile.display_name,
            "images": [],
        }
        if self.is_legacy:
            shape |= {
                "country": profile.country,
                "email": profile.email,
                "explicit_content": {"filter_enabled": False, "filter_locked": False},
                "followers": {"href": None, "total": 3},
                "product": profile.product,
            }
        return shape

    def page(  # noqa: PLR0917  the order of a paging object
        self,
        path: str,
        items: list[Any],
        total: int,
        limit: int,
        offset: int,
        params: dict[str, str],
        *,
        linked_limit: int | None = None,
    ) -> Json:
        """Return a paging object. Its links lead to `base` and keep the other parameters.

        `linked_limit` is the limit in the links, if they lead to a list with shorter pages.
        """

        def link(to: int) -> str:
            rest = "".join(f"&{name}={quote(value, safe=',()!.')}" for name, value in params.items())
            market = f"&market={self.market}" if self.market else ""
            return f"{self.base}{path}?offset={to}&limit={linked_limit or limit}{market}{rest}"

        return {
            "href": link(offset),
            "limit": limit,
            "next": link(offset + limit) if offset + limit < total else None,
            "offset": offset,
            "previous": link(max(0, offset - limit)) if offset > 0 else None,
            "total": total,
            "items": items,
        }
