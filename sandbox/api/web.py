"""What Spotify's own pages would show, to look at in a browser: covers, and a plain page for each thing.

Calls to them are neither counted nor struck by faults: no client of the API makes them.
"""

import hashlib
import html
from collections.abc import Callable

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

from sandbox.account.account import Account
from sandbox.api.errors import not_found

router = APIRouter()
Describe = Callable[[Account, str], tuple[str, str, list[str]]]
"""Returns a thing's title, a line about it, and the ids of its tracks. Raises KeyError."""
PATHS = ("/image/", "/playlist/", "/track/", "/album/", "/artist/")
FOREVER = {"cache-control": "max-age=31536000, immutable"}
PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{title}</title>
<style>
:root{{color-scheme:light dark}} body{{font:16px sans-serif;max-width:44em;margin:2em auto;padding:0 1em}}
table{{border-collapse:collapse;width:100%}} td{{padding:.3em .6em;border-top:1px solid #8884}}
img{{border-radius:4px}}
</style></head><body>
<p>Simulated Spotify</p>
<h1>{title}</h1>
<p>{about}</p>
<table>{rows}</table>
</body></html>"""


@router.get("/image/{name}")
async def cover(name: str) -> Response:
    """Return a drawn cover, which stays the same for the same name."""
    seed = hashlib.sha256(name.rsplit("-", 1)[0].encode()).digest()
    hue, turn = seed[0] * 360 // 256, 30 + seed[1] % 120
    shapes = "".join(
        f'<circle cx="{seed[2 + 3 * each] % 64}" cy="{seed[3 + 3 * each] % 64}"'
        f' r="{6 + seed[4 + 3 * each] % 22}" fill="hsl({(hue + turn * (each + 1)) % 360} 65% 62% / .7)"/>'
        for each in range(4)
    )
    drawn = (
        '<svg xmlns="http://www.w3.org/2000/svg" width="640" height="640" viewBox="0 0 64 64">'
        f'<rect width="64" height="64" fill="hsl({hue} 45% 38%)"/>{shapes}</svg>'
    )
    return Response(drawn, media_type="image/svg+xml", headers=FOREVER)


@router.get("/playlist/{identifier}")
async def playlist_page(identifier: str, request: Request) -> Response:
    """Return the page of a playlist. Raises ApiError 404, as the other pages do."""
    return _page(request, identifier, _playlist)


@router.get("/album/{identifier}")
async def album_page(identifier: str, request: Request) -> Response:
    """Return the page of an album."""
    return _page(request, identifier, _album)


@router.get("/track/{identifier}")
async def track_page(identifier: str, request: Request) -> Response:
    """Return the page of a track."""
    return _page(request, identifier, _track)


@router.get("/artist/{identifier}")
async def artist_page(identifier: str, request: Request) -> Response:
    """Return the page of an artist."""
    return _page(request, identifier, _artist)


def _page(request: Request, identifier: str, describe: Describe) -> Response:
    account: Account = request.app.state.sandbox.account
    try:
        title, about, track_ids = describe(account, identifier)
    except KeyError:
        raise not_found("Nothing is found under this address") from None
    rows = "".join(
        f"<tr><td>{place}</td>{_row(account, track_id)}</tr>"
        for place, track_id in enumerate(track_ids, start=1)
    )
    return HTMLResponse(PAGE.format(title=html.escape(title), about=html.escape(about), rows=rows))


def _playlist(account: Account, identifier: str) -> tuple[str, str, list[str]]:
    playlist = account.playlists[identifier]
    uris = [entry.uri or "" for entry in playlist.entries]
    # a description is kept as Spotify returns it, escaped
    about = f"{html.unescape(playlist.description or '')} {len(uris)} tracks".strip()
    return playlist.name, about, [uri.removeprefix("spotify:track:") for uri in uris]


def _album(account: Account, identifier: str) -> tuple[str, str, list[str]]:
    album = account.albums[identifier]
    return album.name, f"{_names(account, album.artist_ids)}, {album.release_date}", album.track_ids


def _track(account: Account, identifier: str) -> tuple[str, str, list[str]]:
    track = account.tracks[identifier]
    return track.name, _names(account, track.artist_ids), [identifier]


def _artist(account: Account, identifier: str) -> tuple[str, str, list[str]]:
    artist = account.artists[identifier]
    return artist.name, ", ".join(artist.genres), []


def _row(account: Account, track_id: str) -> str:
    track = account.tracks.get(track_id)
    if track is None:
        return f"<td></td><td>{html.escape(track_id)}</td><td></td>"
    names = f"<b>{html.escape(track.name)}</b><br>{html.escape(_names(account, track.artist_ids))}"
    image = f'<img src="/image/sandbox-{track.album_id}-64" width="40" height="40" alt="">'
    return f"<td>{image}</td><td>{names}</td><td>{html.escape(account.albums[track.album_id].name)}</td>"


def _names(account: Account, artist_ids: list[str]) -> str:
    return ", ".join(account.artists[each].name for each in artist_ids)
