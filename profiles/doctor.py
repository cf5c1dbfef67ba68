"""The doctor: checks everything that a run needs, and names a remedy for each problem.

It changes nothing, and starts nothing that it does not stop.
"""

from __future__ import annotations

import urllib.error
import urllib.request
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from profiles import checked_settings, damage, simulated_time
from profiles.damage import MARK, damage_of_dlt_folder
from profiles.database import embedded, is_prepared, locate
from profiles.errors import DatabaseUnavailable, ExitStatus, SettingsError, TrackerError
from profiles.findings import Finding, State, finding_of
from profiles.signin.refresh import WARN_AFTER_DAYS
from profiles.spotify.client import SpotifyClient
from profiles.spotify.forecast import Forecast, forecast, read_sizes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import psycopg2.extensions

    from profiles.database import Database
    from profiles.settings import Settings
    from profiles.spotify.budget import Usage

OLDEST_POSTGRES = 15
PREFECT_TIMEOUT_S = 3.0
FEWER = {
    "player": "Poll less often: a higher TRACKER_POLL_SECONDS, up to 1500.",
    "track": "Lower SPOTIFY_TRACKS_PER_DAY.",
    "artist": "Lower SPOTIFY_ARTISTS_PER_DAY.",
    "artist_albums": "Lower SPOTIFY_ARTIST_ALBUMS_PER_DAY.",
}
STATES: dict[str, State] = {"ok": "ok", "warn": "note", "red": "failed"}


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


def examine(
    settings: Settings, *, services: Callable[[Settings], Iterator[Finding]] = lambda _: iter(())
) -> Diagnosis:
    """Look at settings, database, data, sign-in, Spotify and Prefect. Makes at most two calls to Spotify.

    `services` looks at what runs the flows; it belongs to another layer.
    """
    findings = list(checked_settings.findings(settings))
    usage: tuple[Usage, ...] = ()
    expected: tuple[Forecast, ...] = ()
    try:
        with _open(settings) as database:
            findings.append(_database(database))
            findings.extend(_clock(settings, database))
            findings.extend(_data(database))
            with closing(SpotifyClient(settings, database)) as client:
                if settings.spotify_client_id is not None:
                    findings.extend(_account(client))
                usage = tuple(client.budget.usage())
            findings.extend(_quota(usage))
            expected = tuple(forecast(settings, read_sizes(database), usage))
            findings.extend(_expectations(expected))
    except TrackerError as error:
        findings.append(finding_of("database", error))
    findings.extend(_dlt(settings))
    findings.append(_prefect(settings))
    findings.extend(services(settings))
    return Diagnosis(tuple(findings), usage, expected)


@contextmanager
def _open(settings: Settings) -> Iterator[Database]:
    """Yield the database as it is; an embedded one that does not run is started, and stopped at the end.

    Raises DatabaseUnavailable, also where none has been made yet or `ops` is not up to date: both is for the
    commands that use it.
    """
    database, home = locate(settings), settings.tracker_home
    if database.is_embedded and not embedded.is_made(home):
        raise DatabaseUnavailable(
            f"There is no database in {home} yet.",
            remedy="`tracker up` makes it. If you have used the tracker before, TRACKER_HOME is wrong.",
        )
    was_running = not database.is_embedded or embedded.is_ready(home)
    try:
        if not was_running:
            embedded.ensure_running(home)
        if not is_prepared(database):
            raise DatabaseUnavailable(
                f"{database.safe_dsn} has not been used with this version of the tracker yet.",
                remedy="`tracker up` brings it up to date.",
            )
        yield database
    finally:
        if not was_running:
            embedded.stop(home)


def _data(database: Database) -> Iterator[Finding]:
    """Yield what the warehouse itself says of its health."""
    if not database.relation_exists("analytics.data_health"):
        yield Finding(
            "data",
            "note",
            "Nothing has been built yet.",
            "`tracker sync`, then `tracker build`.",
        )
        return
    with database.transaction() as cursor:
        cursor.execute("select title, state, figure, coalesce(remedy, '') from analytics.data_health")
        rows = cursor.fetchall()
    for title, state, figure, remedy in rows:
        if state != "ok":
            yield Finding("data", STATES[state], f"{title}: {figure}", f"`{remedy}`")
    if all(state == "ok" for _, state, _, _ in rows):
        yield Finding("data", "ok", f"all of {len(rows)} checks are well")


def _account(client: SpotifyClient) -> Iterator[Finding]:
    sign_in = _guarded("sign-in", lambda: _sign_in(client))
    yield sign_in
    if sign_in.state in {"ok", "note"}:
        yield _guarded("spotify", lambda: _spotify(client))


def _guarded(subject: str, look: Callable[[], Finding]) -> Finding:
    try:
        return look()
    except TrackerError as error:
        return finding_of(subject, error)


def _clock(settings: Settings, database: Database) -> Iterator[Finding]:
    """Yield a finding if TRACKER_AS_OF is set and every load, build and push refuses it."""
    try:
        simulated_time.check(settings, database)
    except SettingsError as error:
        yield finding_of("TRACKER_AS_OF", error)


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
