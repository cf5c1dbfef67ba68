"""The formats that Spotify's exports have had, and which of them a file has.

There are two families: the extended streaming history (`Streaming_History_Audio_*`, `…_Video_*`, until about
2023 `endsong_*`, `endvideo*`), with one row per stream and its exact end, and the account data of the last
year (`StreamingHistory_music_*`, `…_podcast_*`, `…_audiobook_*`, older `StreamingHistory*`), which has names
and minutes only. The keys of the rows decide. The name of a file only shows whether it holds videos, so a
renamed file is read as well.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import orjson

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Format: TypeAlias = Literal["extended", "one_year"]
Era: TypeAlias = Literal["extended_until_2022", "extended_2023", "extended_since_2024", "one_year"]

_SAME_NAMES = (
    "ts", "ms_played", "platform", "conn_country", "episode_name", "audiobook_title", "audiobook_uri",
    "audiobook_chapter_uri", "audiobook_chapter_title", "reason_start", "reason_end", "shuffle",
    "skipped", "offline", "offline_timestamp", "incognito_mode",
)  # fmt: skip
EXTENDED_KEYS: Mapping[str, str] = {
    **{name: name for name in _SAME_NAMES},
    "master_metadata_track_name": "track_name",
    "master_metadata_album_artist_name": "artist_name",
    "master_metadata_album_album_name": "album_name",
    "spotify_track_uri": "track_uri",
    "episode_show_name": "show_name",
    "spotify_episode_uri": "episode_uri",
}
ONE_YEAR_KEYS: Mapping[str, str] = {
    "endTime": "ts",
    "msPlayed": "ms_played",
    "trackName": "track_name",
    "artistName": "artist_name",
    "podcastName": "show_name",
    "episodeName": "episode_name",
    "audiobookName": "audiobook_title",
    "authorName": "artist_name",
    "chapterName": "audiobook_chapter_title",
}
KEYS_OF: Mapping[Format, Mapping[str, str]] = {"extended": EXTENDED_KEYS, "one_year": ONE_YEAR_KEYS}

# Never stored: these keys tell who and where a person is on the network.
PERSONAL_KEYS = frozenset(
    {
        "username", "ip_addr", "ip_addr_decrypted", "user_agent", "user_agent_decrypted",
        "city", "region", "metro_code", "latitude", "longitude",
    }
)  # fmt: skip

_VIDEO_NAME = re.compile(r"_video_|endvideo|history_video", re.IGNORECASE)
_HISTORY_NAME = re.compile(r"streaming_?history|endsong|endvideo", re.IGNORECASE)
_SNIFFED_BYTES = 64 << 10
_PERSONAL_PAIR = re.compile(
    r'"((?:username|ip_addr|user_agent)\w*|city|region|metro_code|latitude|longitude)"\s*:\s*'
    r'("(?:[^"\\\n]|\\.)*"?|[^,}\s]*)',
    re.IGNORECASE,
)
_ADDRESS = re.compile(r"\b\d{1,3}(?:\.\d{1,3}){3}\b|\b(?:[0-9a-fA-F]{1,4}:){4,7}(?::?[0-9a-fA-F]{1,4})\b")
_KEPT_TEXT = 2000


def is_video_name(name: str) -> bool:
    """Whether the name is that of a file with music videos and video podcasts."""
    return _VIDEO_NAME.search(name.rsplit("/", 1)[-1]) is not None


def is_history_name(name: str) -> bool:
    """Whether Spotify gives such names to its listening history."""
    return _HISTORY_NAME.search(name.rsplit("/", 1)[-1]) is not None


def looks_like_history(head: bytes) -> bool:
    """Whether these first bytes of a file contain rows of a listening history."""
    start = head[:_SNIFFED_BYTES]
    return (b'"ts"' in start and b'"ms_played"' in start) or (
        b'"endTime"' in start and b'"msPlayed"' in start
    )


def format_of(values: Iterable[Any]) -> Format | None:
    """Return the family of a file by its first rows; None where no row has a key of either."""
    for value in values:
        if isinstance(value, dict):
            if "ts" in value or "ms_played" in value:
                return "extended"
            if "endTime" in value or "msPlayed" in value:
                return "one_year"
    return None


def era_of(keys: Iterable[str], file_format: Format) -> Era:
    """Return the generation of exports that has these keys."""
    if file_format == "one_year":
        return "one_year"
    names = set(keys)
    if not names.isdisjoint({"ip_addr_decrypted", "user_agent_decrypted"}):
        return "extended_until_2022"
    if any(name.startswith("audiobook_") for name in names):
        return "extended_since_2024"
    return "extended_2023"


def unknown_keys(keys: Iterable[str], file_format: Format) -> set[str]:
    """Return the keys that we neither store nor drop on purpose. The report names them."""
    return set(keys) - KEYS_OF[file_format].keys() - PERSONAL_KEYS


def redacted(row: Any) -> str:
    """Return a rejected row as text: without network data, user name and NUL, at most 2,000 characters."""
    if isinstance(row, dict):
        kept = {key: value for key, value in row.items() if key not in PERSONAL_KEYS}
        row = orjson.dumps(kept, default=str).decode()
    elif not isinstance(row, str):
        row = orjson.dumps(row, default=str).decode()
    text = _PERSONAL_PAIR.sub(r'"\1": "(removed)"', row[: 4 * _KEPT_TEXT])
    return _ADDRESS.sub("(removed)", text)[:_KEPT_TEXT].replace("\x00", "").replace("\\u0000", "")
