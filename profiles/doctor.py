"""The doctor: checks everything that a run needs, and names a remedy for each problem."""

from __future__ import annotations

import urllib.error
import urllib.request
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from profiles import damage, simulated_time
from profiles.damage import MARK, damage_of_dlt_folder
from profiles.database import open_database
from profiles.errors import Deferred, ExitStatus, SettingsError, TrackerError
from profiles.settings import require_spotify_app
from profiles.signin.refresh import WARN_AFTER_DAYS
from profiles.spotify.client import SpotifyClient
from profiles.spotify.forecast import Forecast, forecast, read_sizes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import psycopg2.extensions

    from profiles.database import Database
    from profiles.settings import Settings
    from profiles.spotify.budget import Usage

State = Literal["ok", "note", "failed", "bad_input", "deferred"]
OLDEST_POSTGRES = 15
PREFECT_TIMEOUT_S = 3.0
FEWER = {
    "player": "Poll less often: a higher TRACKER_POLL_SECONDS, up to 1500.",
    "track": "Lower SPOTIFY_TRACKS_PER_DAY.",
    "artist": "Lower SPOTIFY_ARTISTS_PER_DAY.",
    "artist_albums": "Lower SPOTIFY_ARTIST_ALBUMS_PER_DAY.",
}


@dataclass(frozen=True)
class Finding:
    """The result of one check. A `note` does not stop a run. `remedy` is empty if nothing has to be done."""

    subject: str
    state: State
    message: str
    remedy: str = ""


@dataclass(frozen=True)
class Diagnosis:
    """The results of all checks. `usage` has the calls of the last 24 hours by endpoint family.

    `forecast` has the expected calls of the next 24 hours by family.
    """

    findings: tuple[Finding, ...]
    usage: tuple[Usage, ...]
    forecast: tuple[Forecast, ...] = ()

    @property
    def exit_status(self) -> ExitStatus:
        """How the command ends: a wrong setting weighs most, then a failure, then a quota that is used up."""
        states = {finding.state for finding in self.findings}
        if "bad_input" in states:
            return ExitStatus.BAD_INPUT
        if "failed" in states:
            return ExitStatus.FAILED
        return ExitStatus.DEFERRED if "deferred" in states else ExitStatus.DONE


def examine(settings: Settings) -> Diagnosis:
    """Look at settings, database, sign-in, Spotify and Prefect. Makes at most two calls to Spotify."""
    findings = [_settings(settings)]
    usage: tuple[Usage, ...] = ()
    expected: tuple[Forecast, ...] = ()
    try:
        database = open_database(settings)
    except TrackerError as error:
        findings.append(_finding("database", error))
    else:
        findings.append(_database(database))
        findings.extend(_clock(settings, database))
        with closing(SpotifyClient(settings, database)) as client:
            if settings.spotify_client_id is not None:
                findings.append(_guarded("sign-in", lambda: _sign_in(client)))
            if findings[-1].subject == "sign-in" and findings[-1].state in {"ok", "note"}:
                findings.append(_guarded("spotify", lambda: _spotify(client)))
            usage = tuple(client.budget.usage())
        findings.extend(_quota(usage))
        expected = tuple(forecast(settings, read_sizes(database), usage))
        findings.extend(_expectations(expected))
    findings.extend(_dlt(settings))
    findings.append(_prefect(settings))
    return Diagnosis(tuple(findings), usage, expected)


def _guarded(subject: str, look: Callable[[], Finding]) -> Finding:
    try:
        return look()
    except TrackerError as error:
        return _finding(subject, error)


def _finding(subject: str, error: TrackerError) -> Finding:
    state: State = "failed"
    if isinstance(error, SettingsError):
        state = "bad_input"
    elif isinstance(error, Deferred):
        state = "deferred"
    return Finding(subject, state, error.message, error.remedy)


def _settings(settings: Settings) -> Finding:
    try:
        require_spotify_app(settings)
    except SettingsError as error:
        return _finding("settings", error)
    if settings.spotify_market is None:
        return Finding(
            "settings",
            "note",
            "SPOTIFY_MARKET is not set: which tracks can be played is not looked at.",
            "Set it to the country of the account, such as GB.",
        )
    return Finding("settings", "ok", f"zone {settings.tracker_timezone}, home {settings.tracker_home}")


def _clock(settings: Settings, database: Database) -> Iterator[Finding]:
    """Yield a finding if TRACKER_AS_OF is set and every load, build and push refuses it."""
    try:
        simulated_time.check(settings, database)
    except SettingsError as error:
        yield _finding("TRACKER_AS_OF", error)


def _database(database: Database) -> Finding:
    with database.transaction() as cursor:
        cursor.execute(
            "select current_setting('server_version'), current_setting('server_version_num')::int / 10000,"
            " current_setting('server_encoding'), pg_size_pretty(pg_database_size(current_database()))"
        )
        ((version, major, encoding, size),) = cursor.fetchall()
        folds = encoding == "UTF8" and _knows_case(cursor)
    if major < OLDEST_POSTGRES:
        return Finding(
            "database", "failed", f"PostgreSQL {version} is too old.", f"Use {OLDEST_POSTGRES} or newer."
        )
    if encoding != "UTF8":
        return Finding(
            "database",
            "failed",
            f"The database is encoded in {encoding}; titles in many scripts do not fit.",
            f"create database {database.name} template template0 encoding 'UTF8'",
        )
    if not folds:
        return Finding(
            "database",
            "note",
            f"PostgreSQL {version} knows upper and lower case of ASCII alone: a rule for édith finds no"
            " ÉDITH.",
            "Give its system the locale C.UTF-8, then: select pg_import_system_collations('pg_catalog')."
            " Or back up, and restore into a database made with: template template0 locale 'C.UTF-8'.",
        )
    kind = "embedded " if database.is_embedded else ""
    return Finding("database", "ok", f"{kind}PostgreSQL {version}, {size}, {database.safe_dsn}")


def _knows_case(cursor: psycopg2.extensions.cursor) -> bool:
    cursor.execute("select ops.fold('ÉДΩ') = 'éдω'")
    return bool(cursor.fetchone() == (True,))


def _sign_in(client: SpotifyClient) -> Finding:
    client.tokens.get_access_token()
    status = client.tokens.status()
    notes, remedies = [], []
    if status.missing_scopes:
        notes.append(f"the consent lacks {', '.join(status.missing_scopes)}")
        remedies.append("Sign in again (`tracker login`) and accept every permission asked for.")
    if status.age_days is None or status.expires_on is None:
        notes.append(
            "its age is unknown, because the token was imported; it ends six months after the consent"
        )
    elif status.age_days >= WARN_AFTER_DAYS:
        notes.append(f"it ends on {status.expires_on:%Y-%m-%d}")
        remedies.append("Renew it before: `tracker login`.")
    if not notes:
        return Finding(
            "sign-in", "ok", f"{status.age_days} days old, good until {status.expires_on:%Y-%m-%d}"
        )
    return Finding("sign-in", "note", f"signed in; {'; '.join(notes)}", " ".join(remedies))


def _spotify(client: SpotifyClient) -> Finding:
    profile = client.get("me")
    return Finding("spotify", "ok", f"answers, as {profile.get('display_name') or profile.get('id')}")


def _quota(usage: tuple[Usage, ...]) -> Iterator[Finding]:
    for family in usage:
        if family.until is not None:
            yield Finding(
                "quota",
                "deferred",
                f"{family.family} rests until {family.until:%Y-%m-%d %H:%M} UTC ({family.reason})",
                "Nothing to do: the runs after that time go on.",
            )
    total = sum(family.calls for family in usage)
    refused = sum(family.rate_limited for family in usage)
    yield Finding("quota", "ok", f"{total} calls in 24 hours, {refused} of them answered with 429")


def _expectations(expected: tuple[Forecast, ...]) -> Iterator[Finding]:
    for each in expected:
        if each.verdict != "fits":
            yield Finding(
                "forecast",
                "note",
                f"{each.family}: about {each.expected} calls in the next 24 hours, where Spotify is thought"
                f" to allow {each.estimate} ({each.reason})",
                "Spotify publishes no number: at worst the family rests for a day. "
                + FEWER.get(each.family, "Leave out what you started by hand."),
            )


def _dlt(settings: Settings) -> Iterator[Finding]:
    """Yield a finding for each working folder of dlt that is damaged or was set aside."""
    home = settings.tracker_home / "dlt"
    folders = list(home.glob("*/*")) if home.is_dir() else []
    damaged = {
        folder: reason
        for folder in folders
        if MARK not in str(folder) and (reason := damage_of_dlt_folder(folder)) is not None
    }
    for folder, reason in damaged.items():
        yield Finding(
            "dlt",
            "note",
            f"the folder {folder} is damaged ({reason})",
            "Nothing to do: the next load sets it aside, takes over what it holds and goes on.",
        )
    aside = [
        path
        for path in (*home.parent.glob(f"dlt{MARK}*"), *home.glob(f"*{MARK}*"), *folders)
        if MARK in path.name
    ]
    for path in aside:
        yield Finding(
            "dlt",
            "note",
            f"{path} was damaged and set aside; loads go on without it",
            "Look for a failing disk or a full one. Delete it once you are sure that nothing is missing.",
        )
    if not damaged and not aside:
        yield Finding("dlt", "ok", f"{len(folders)} working folders can be read")


def _prefect(settings: Settings) -> Finding:
    address = settings.prefect_api_url
    if "prefect_api_url" not in settings.model_fields_set:
        address = f"http://127.0.0.1:{settings.tracker_ui_port}/api"
        if damaged := damage.damage_of_prefect_home(settings.tracker_home / "prefect"):
            return Finding(
                "prefect",
                "failed",
                "; ".join(f"{each.file} is damaged ({each.why})" for each in damaged),
                "`tracker up` sets it aside, makes it again and deploys every flow; your music is not in it.",
            )
    start_it = "`tracker up` starts it here. Every other command does without."
    if not address.startswith(("http://", "https://")):
        return Finding(
            "prefect", "bad_input", "PREFECT_API_URL is no http address.", "Correct it, or leave it out."
        )
    try:
        with urllib.request.urlopen(f"{address.rstrip('/')}/health", timeout=PREFECT_TIMEOUT_S):  # noqa: S310
            pass
    except urllib.error.HTTPError as error:
        return Finding("prefect", "note", f"{address} answers with status {error.code}", start_it)
    except (OSError, ValueError):
        return Finding("prefect", "note", f"no server answers at {address}", start_it)
    return Finding("prefect", "ok", f"answers at {address}")
