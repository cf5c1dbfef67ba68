"""What can be wrong with settings that each are valid, and with the disk below them. Nothing is changed."""

from __future__ import annotations

import difflib
import os
import shutil
from typing import TYPE_CHECKING

from dotenv import dotenv_values

from profiles.database.backup import backups_folder
from profiles.errors import SettingsError
from profiles.findings import Finding, State, finding_of
from profiles.settings import ENV_FILE, SECRETS_FOLDER, Settings, env_files, require_spotify_app
from profiles.signin.consent import check_redirect

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

OURS = ("SPOTIFY_", "TRACKER_", "DB_")
# set by our own programs, or by people who are not asked for settings
NO_SETTINGS = {
    *(ENV_FILE, SECRETS_FOLDER, "TRACKER_CODE_FOLDER"),
    *("TRACKER_SERVICES_OF", "TRACKER_BUILD_PID", "TRACKER_DEMO_HOME"),
}
# 50 plays are shown: half a minute each counts as a play, so a longer interval can lose some
LONGEST_POLL_S = 1500
LITTLE_BYTES, TOO_LITTLE_BYTES = 2_000_000_000, 300_000_000


def findings(settings: Settings) -> Iterator[Finding]:
    """Yield what is wrong with the settings, one finding that all are right if nothing is."""
    found = [*_app(settings), *_redirect(settings), *_interval(settings), *misspelt(_given(settings))]
    yield from found
    if not found:
        yield Finding("settings", "ok", f"zone {settings.tracker_timezone}, home {settings.tracker_home}")
    if settings.spotify_market is None:
        yield Finding(
            "settings",
            "note",
            "SPOTIFY_MARKET is not set: which tracks can be played is not looked at.",
            "Set it to the country of the account, such as GB.",
        )
    yield from disk(settings)


def misspelt(given: Mapping[str, str]) -> Iterator[Finding]:
    """Yield a finding for each name that looks like a setting of ours and is none. `given`: name to place."""
    known = {name.upper() for name in Settings.model_fields} | NO_SETTINGS
    for name, place in given.items():
        if name in known or not name.startswith(OURS):
            continue
        near = difflib.get_close_matches(name, known, n=1)
        remedy = f"Did you mean {near[0]}?" if near else "Take it out; .env.example lists all settings."
        yield Finding("settings", "note", f"{name} ({place}) is no setting; nothing reads it.", remedy)


def disk(settings: Settings) -> Iterator[Finding]:
    """Yield whether there is room left where data and backups are."""
    home, backups = _existing(settings.tracker_home), _existing(backups_folder(settings))
    places = {folder.stat().st_dev: folder for folder in (backups, home)}
    for folder in places.values():
        free = shutil.disk_usage(folder).free
        room = f"{free / 1e9:.1f} GB free on the disk of {folder}"
        if free >= LITTLE_BYTES:
            yield Finding("disk", "ok", room)
        else:
            state: State = "failed" if free < TOO_LITTLE_BYTES else "note"
            yield Finding("disk", state, room, "Make room: the database stops when the disk is full.")
    if len(places) == 1:
        yield Finding(
            "backups",
            "ok",
            f"in {backups_folder(settings)}, on the disk of the data: copy them elsewhere, or set"
            " TRACKER_BACKUP_DIR",
        )


def _app(settings: Settings) -> Iterator[Finding]:
    try:
        require_spotify_app(settings)
    except SettingsError as error:
        yield finding_of("settings", error)


def _redirect(settings: Settings) -> Iterator[Finding]:
    try:
        check_redirect(settings.spotify_redirect_uri)
    except SettingsError as error:
        yield finding_of("settings", error)


def _interval(settings: Settings) -> Iterator[Finding]:
    if settings.tracker_poll_seconds > LONGEST_POLL_S:
        yield Finding(
            "settings",
            "failed",
            f"TRACKER_POLL_SECONDS={settings.tracker_poll_seconds} loses plays: Spotify shows the latest 50,"
            " and half a minute each counts.",
            f"Set it to {LONGEST_POLL_S} or less; 600 is the default.",
        )


def _given(settings: Settings) -> dict[str, str]:
    """Return the names that are given, with where. Other programs have variables that begin with DB_."""
    given = {name: "environment" for name in os.environ if not name.startswith("DB_")}
    for file in env_files(settings.tracker_home):
        if file.is_file():
            given.update({name: str(file) for name in dotenv_values(file)})
    return given


def _existing(folder: Path) -> Path:
    """Return the folder, or the nearest one above it that exists."""
    return next(each for each in (folder, *folder.parents) if each.is_dir())
