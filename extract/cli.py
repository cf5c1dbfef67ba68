"""The commands that load: from Spotify, from its exports, from an older tracker."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any, TypeAlias

import click

from profiles import terminal
from profiles.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from extract.history import ImportReport
    from extract.report import LoadReport, PollReport, Progress
    from profiles.recorded_run import RecordedRun
    from profiles.session import Session

Load: TypeAlias = "Callable[[Session, bool, Progress], LoadReport | PollReport]"
"""Called with the session, whether everything is to be listed again, and what shows progress."""


def _plays(session: Session, _full: bool, _progress: Progress) -> PollReport:
    from extract import listening

    return listening.poll(session)


def _profile(session: Session, _full: bool, _progress: Progress) -> LoadReport:
    from extract import profile

    return profile.sync_profile(session)


def _albums(session: Session, full: bool, progress: Progress) -> LoadReport:
    from extract.library import sync

    return sync.sync_saved_albums(session, full=full, progress=progress)


def _likes(session: Session, full: bool, progress: Progress) -> LoadReport:
    from extract.library import sync

    return sync.sync_liked_tracks(session, full=full, progress=progress)


def _exclusions(session: Session, _full: bool, _progress: Progress) -> LoadReport:
    from extract import playlists

    return playlists.sync_playlists(session, playlists.watched_playlists(session))


def _availability(session: Session, full: bool, progress: Progress) -> LoadReport:
    from extract import availability

    return availability.check_availability(session, full=full, progress=progress)


def _artists(session: Session, _full: bool, _progress: Progress) -> LoadReport:
    from extract import artists

    return artists.sync_artists(session)


def _artist_albums(session: Session, _full: bool, _progress: Progress) -> LoadReport:
    from extract import artists

    return artists.sync_artist_albums(session)


# plays first: they are lost for good if a later step takes long or uses the quota up
RESOURCES: Mapping[str, Mapping[str, Load]] = {
    "plays": {"plays": _plays},
    "profile": {"profile": _profile},
    "albums": {"albums": _albums},
    "likes": {"likes": _likes},
    "exclusions": {"exclusions": _exclusions},
    "availability": {"availability": _availability},
    "artists": {"artists": _artists, "newer editions": _artist_albums},
}
"""What can be synced, with the steps of each."""


def sync_command(load_exclusions: Load = _exclusions) -> click.Command:
    """Return the command `sync`.

    `load_exclusions` loads the exclusions playlist and the playlists that rules look into; here alone, it
    loads those that are known to the database.
    """
    resources = {**RESOURCES, "exclusions": {"exclusions": load_exclusions}}

    @click.command()
    @click.argument("names", nargs=-1, metavar="[RESOURCE]...", type=click.Choice(list(resources)))
    @click.option("--full", is_flag=True, help="List everything instead of looking for changes.")
    @terminal.json_option
    def sync(names: tuple[str, ...], full: bool, as_json: bool) -> int:
        """Load from Spotify: plays, profile, albums, likes, exclusions, availability, artists.

        All of them where none is named. What is new waits for the next build: `tracker build`.
        """
        steps = {
            step: load
            for name, each in resources.items()
            if name in names or not names
            for step, load in each.items()
        }
        return _sync(steps, full=full, as_json=as_json, names=list(names))

    return sync


def _sync(steps: Mapping[str, Load], *, full: bool, as_json: bool, names: list[str]) -> int:
    from profiles.build_marks import is_build_due, mark_build_due
    from profiles.recorded_run import recorded_run
    from profiles.session import open_session

    terminal.show_log()
    with open_session() as session, recorded_run("sync", session.database, resources=names, full=full) as run:
        reports = {step: run.step(step, _with_progress(load), session, full) for step, load in steps.items()}
        if run.follows_a_crash or any(_has_brought_something(report) for report in reports.values()):
            mark_build_due(session.database)
        is_due = is_build_due(session.database)
    rows = [_row(run, step, report) for step, report in reports.items()]
    if as_json:
        details = {step: asdict(report) if report is not None else {} for step, report in reports.items()}
        terminal.print_json([{**details[row["step"]], **row} for row in rows])
    else:
        terminal.show(rows, as_json=False)
        if is_due:
            terminal.say("`tracker build` brings the models up to date.")
    return run.exit_status


def _with_progress(load: Load) -> Callable[[Session, bool], LoadReport | PollReport]:
    def work(session: Session, full: bool) -> LoadReport | PollReport:
        with terminal.progress("listed") as moved:
            return load(session, full, moved)

    return work


def _has_brought_something(report: Any) -> bool:
    return report is not None and any(getattr(report, name, 0) for name in ("rows", "removed", "new"))


def _row(run: RecordedRun, step: str, report: LoadReport | PollReport | None) -> dict[str, Any]:
    if report is not None:
        return {"step": step, "state": "done", "what": report.summary}
    state = "failed" if step in run.failed else "deferred"
    return {"step": step, "state": state, "what": run.failed.get(step) or run.deferred[step]}


@click.command("import")
@click.argument("path", required=False)
@terminal.json_option
def import_history(path: str | None, as_json: bool) -> int:
    """Load Spotify's export of your listening history: the zip, its folder, or a file of it.

    Without PATH it takes what lies in TRACKER_HOME/imports. It makes no call to Spotify, names every file
    with what became of it, and adds nothing twice. Where a file could not be read, the exit status is 1; what
    could be read is loaded all the same.
    """
    from extract import history
    from profiles.session import open_session

    if path is not None and history.is_address(path):
        raise InputError(
            "A database address is not taken as an argument: everybody on the machine sees arguments.",
            remedy="Set TRACKER_IMPORT_URL, then run `tracker import-tracker`.",
        )
    with open_session() as session, terminal.progress("read") as moved:
        return _import(
            "import-history",
            session,
            lambda: history.import_history(
                session, path, progress=lambda seen: moved(seen.bytes_done, seen.bytes_total)
            ),
            as_json=as_json,
            path=path,
        )


@click.command("import-tracker")
@terminal.json_option
def import_tracker(as_json: bool) -> int:
    """Copy plays, rules and exclusions from the older tracker's database at TRACKER_IMPORT_URL.

    That database is only read. `tracker playlists import-rules` then keeps its rules, paused.
    """
    from extract import history
    from profiles.session import open_session

    with open_session() as session:
        return _import("import-tracker", session, lambda: history.import_tracker(session), as_json=as_json)


def _import(
    name: str, session: Session, read: Callable[[], ImportReport], *, as_json: bool, **parameters: Any
) -> int:
    """Run an import, recorded under the name of the flow that does the same."""
    from profiles.build_marks import mark_build_due
    from profiles.recorded_run import recorded_run

    terminal.show_log(steps=False)
    with recorded_run(name, session.database, **parameters) as run:
        report = run.step("import", read)
        if report is None:
            return run.exit_status
        if report.is_useful:
            mark_build_due(session.database)
        if report.damaged is not None:
            run.failed["import"] = report.damaged
    _print_report(report, as_json=as_json)
    return run.exit_status


def _print_report(report: ImportReport, *, as_json: bool) -> None:
    if as_json:
        terminal.print_json(report.as_dict())
        return
    terminal.show(report.file_rows(), as_json=False)
    terminal.say("")
    terminal.show([{"": what, report.source: amount} for what, amount in report.lines()], as_json=False)


@click.group(cls=terminal.OrderedGroup)
def extract() -> None:
    """Load listening and library into raw_spotify and raw_export."""


extract.add_command(sync_command())
extract.add_command(import_history)
extract.add_command(import_tracker)


def main(arguments: Iterable[str] | None = None) -> int:
    """Run one command; return the exit status."""
    return terminal.run(extract, None if arguments is None else list(arguments))
