"""Simulates some weeks of listening, and runs the product meanwhile: polls in between, one sync a week."""

from __future__ import annotations

import json
import os
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from demo import report
from demo.account import served
from demo.place import enter
from demo.stopwatch import Stopwatch
from flows.server.environment import hide_prefect_lines, prefect_server, wait_for
from profiles import simulated_time, terminal
from profiles.database import open_database
from profiles.errors import TrackerError
from profiles.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from demo.account import Account
    from demo.place import Place

WEEKS = 3
STEP = timedelta(hours=2)
POLL_AT = 20  # plays: Spotify shows the latest 50 only, and two hours can bring thirty


def live(place: Place) -> int:
    """Simulate the weeks that are left, sync after each, and print a report. Returns the exit status."""
    stopwatch = Stopwatch()
    is_new = not (place.account / "lock").exists()
    place.home.mkdir(parents=True, exist_ok=True)
    with served(place, *(("--weeks-behind", str(WEEKS)) if is_new else ())) as account:
        stopwatch.parts["simulated Spotify starts"] = stopwatch.total
        enter(place.environment())
        account.ask("DELETE", "calls")
        diary = _open_diary(place, account, is_new=is_new)
        stopwatch.say(_greeting(account, diary))
        with prefect_server(load_settings(), is_kept=True) as api_url:
            with stopwatch.part("Prefect and the product start"):
                wait_until_ready(api_url)
            _live(account, diary, place, stopwatch)
        place.diary.write_text(json.dumps({**diary, "is_done": True}), encoding="utf-8")
        # the account's time has reached the real time, in which `tracker --sandbox up` continues
        simulated_time.end(open_database(load_settings()))
        return report.print_report(account, stopwatch, is_repeated=diary["is_done"])


def wait_until_ready(api_url: str) -> None:
    """Import the product while its Prefect server starts, then wait for the server."""
    from flows import history, listening, nightly, push  # noqa: F401, PLC0415  # after Prefect's environment is set

    hide_prefect_lines()
    terminal.show_log(steps=False)
    wait_for(api_url)


def _open_diary(place: Place, account: Account, *, is_new: bool) -> dict[str, Any]:
    """Return the demo's record: until when to simulate, and whether that is done.

    It survives an interruption.
    """
    if place.diary.exists():
        diary: dict[str, Any] = json.loads(place.diary.read_text(encoding="utf-8"))
        return diary
    until = account.now + timedelta(weeks=WEEKS if is_new else 0)
    diary = {"lives_until": until.isoformat(), "is_done": False}
    place.diary.write_text(json.dumps(diary), encoding="utf-8")
    return diary


def _greeting(account: Account, diary: dict[str, Any]) -> str:
    state = account.ask("GET", "state")
    text = (
        f"{state['profile']['display_name']}: {state['likes']:,} likes, {state['saved_albums']} albums,"
        f" {state['plays']:,} plays; it is {account.now:%d %B %Y, %H:%M}"
    )
    return f"{text}. Nothing has happened since the last demo." if diary["is_done"] else f"{text}."


def _live(account: Account, diary: dict[str, Any], place: Place, stopwatch: Stopwatch) -> None:
    ends = datetime.fromisoformat(diary["lives_until"])
    if diary["is_done"]:
        _sync(stopwatch)
        return
    simulated_time.begin(open_database(load_settings()))
    with as_of(account.now):
        _import_years(account, place, stopwatch)
        _sync(stopwatch, first=True)
    while account.now < ends:
        with stopwatch.part("weeks of listening, polled"):
            _live_a_week(account, min(account.now + timedelta(weeks=1), ends), stopwatch)
        with as_of(account.now):
            _sync(stopwatch)


def _import_years(account: Account, place: Place, stopwatch: Stopwatch) -> None:
    """Import the export that a person asks Spotify for: all plays of the years before."""
    from flows.history import import_history  # noqa: PLC0415  # see wait_until_ready

    export = place.home / "my_spotify_data.zip"
    with stopwatch.part("the account's export is written"):
        account.ask("POST", "export", {"path": str(export)})
    _flow(import_history, stopwatch, "import-history", path=str(export), build=False)


def _live_a_week(account: Account, until: datetime, stopwatch: Stopwatch) -> None:
    """Simulate in steps of hours, and poll before more plays have come than Spotify shows."""
    from flows.listening import load_plays  # noqa: PLC0415  # see wait_until_ready

    polls, unseen, plays, likes, albums = 0, 0, 0, 0, 0
    now = account.now
    while now < until:
        now = min(now + STEP, until)
        more = account.live_until(now)
        unseen += more["plays"]
        likes, albums = likes + more["likes"], albums + more["saved_albums"]
        if unseen >= POLL_AT or now >= until:
            with as_of(now):
                plays += load_plays.fn().new
            polls, unseen = polls + 1, 0
    stopwatch.say(
        f"{until:%d %B}: {plays} plays in {polls} polls, {likes:+d} likes, {albums:+d} saved albums"
    )


def _sync(stopwatch: Stopwatch, *, first: bool = False) -> None:
    """Run the flows of one day; the first time `initial-sync` instead of `daily-sync`."""
    from flows.nightly import daily_sync, initial_sync  # noqa: PLC0415  # see wait_until_ready
    from flows.push import update_playlists  # noqa: PLC0415  # as above

    if first:
        _flow(initial_sync, stopwatch, "initial-sync", push="no")
    else:
        _flow(daily_sync, stopwatch, "daily-sync")
    _flow(update_playlists, stopwatch, "update-playlists")


def _flow(flow: Callable[..., Any], stopwatch: Stopwatch, name: str, **parameters: Any) -> None:
    with stopwatch.part(name):
        state = flow(**parameters, return_state=True)
    stopwatch.say(f"  {name}: {state.message} ({stopwatch.last:.0f} s)")
    if not state.is_completed():
        raise TrackerError(f"{name} failed.", remedy="See above; the next `tracker demo` goes on from here.")


@contextmanager
def as_of(moment: datetime) -> Iterator[None]:
    """Set TRACKER_AS_OF to the account's time until the block ends."""
    os.environ["TRACKER_AS_OF"] = moment.isoformat()
    try:
        yield
    finally:
        os.environ.pop("TRACKER_AS_OF", None)
