"""The commands on smart playlists and recordings: look, push, take back, decide."""

from __future__ import annotations

from datetime import UTC, datetime, time
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import click

from playlists.rules import cli as rules
from profiles import terminal
from profiles.errors import ExitStatus, InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from playlists.playlist_types import Plan, PlaylistState, PushResult
    from playlists.recordings import Kind
    from profiles.session import Session
    from profiles.terminal import Row

slug_argument = click.argument("slug")
slugs_argument = click.argument("slugs", nargs=-1, metavar="[SLUG]...")
dry_run_option = click.option("--dry-run", is_flag=True, help="Plan and check, but write nothing.")


@click.group(cls=terminal.OrderedGroup)
def playlists() -> None:
    """Look at the smart playlists, push them, take a push back."""


@playlists.command("list")
@terminal.json_option
def list_playlists(as_json: bool) -> None:
    """All playlists, their states, and why one fails."""
    from dataclasses import asdict

    from playlists.standing import read_standings
    from profiles.session import open_session

    with open_session() as session:
        rows = [asdict(each) for each in read_standings(session.database)]
    for row in rows:
        del row["rule"]
    terminal.show(
        rows,
        as_json=as_json,
        empty="No playlist is known yet. Load and build first: `tracker sync`, then `tracker build`.",
    )


@playlists.command()
@slugs_argument
@click.option("--force", is_flag=True, help="Plan as if max_churn were not set.")
@terminal.json_option
def plan(slugs: tuple[str, ...], force: bool, as_json: bool) -> ExitStatus:
    """What a push would change, with calls and churn. Writes nothing.

    SLUG is a name as in `tracker playlists list`; all enabled playlists if none is given.
    """
    from playlists import printing
    from playlists.push.push import plan_pushes
    from profiles.session import open_session

    with open_session() as session:
        plans = plan_pushes(session, slugs or None, force=force)
        if as_json:
            terminal.print_json(_details(session, plans))
        else:
            terminal.show([printing.plan_row(each) for each in plans], as_json=False)
    is_failure = any(each.outcome in ("failed", "refused") for each in plans)
    return ExitStatus.FAILED if is_failure else ExitStatus.DONE


@playlists.command()
@click.argument("slug", required=False)
@click.option("--rule", metavar="FILE", help="What this rule would select (JSON; - reads the input).")
@click.option("--tracks", type=int, default=20, show_default=True, help="How many tracks to print.")
@terminal.json_option
def preview(slug: str | None, rule: str | None, tracks: int, as_json: bool) -> None:
    """One selection, and what would come and go. Writes nothing."""
    from playlists import printing
    from playlists.push.push import plan_pushes
    from profiles.session import open_session

    with open_session() as session:
        if rule is not None:
            _, read = rules.read_file(rule)
            rules.show_preview(session, read, tracks=tracks, as_json=as_json)
            return
        if slug is None:
            raise InputError("Nothing to preview is named.", remedy="Give a SLUG, or --rule FILE.")
        [detail] = _details(session, plan_pushes(session, [slug]))
    if as_json:
        terminal.print_json(detail)
        return
    terminal.say(f"{detail['name']}: {detail['wanted']} tracks selected, {detail['has']} on Spotify now.")
    for place, track in enumerate(detail["selection"][:tracks], start=1):
        terminal.say(f"{place:>4}  {track['title'] or track['uri']}")
    terminal.say(*printing.diff_lines(detail))


@playlists.command()
@slugs_argument
@dry_run_option
@click.option("--force", is_flag=True, help="Push even above max_churn; no other guard is lifted.")
@terminal.json_option
def apply(slugs: tuple[str, ...], dry_run: bool, force: bool, as_json: bool) -> ExitStatus:
    """Bring playlists in line with their selections.

    SLUG is a name as in `tracker playlists list`; all enabled playlists if none is given.
    """
    from playlists.push.push import push_all
    from profiles.session import open_session

    terminal.show_log()
    with open_session() as session:
        results = push_all(
            session,
            slugs or None,
            dry_run=dry_run,
            force=force,
            reason="by hand",
            tester=lambda names: _test(session, names),
            progress=_show_calls,
        )
    return _report(results, as_json=as_json)


def _test(session: Session, slugs: Sequence[str]) -> None:
    """Run the dbt tests of selections that nobody has tested since they were built."""
    from playlists.selections import tests_of
    from profiles import dbt

    dbt.run(
        ["test", "--log-level", "none", "--select", *tests_of(slugs, session.database)],
        session.settings,
        session.database,
    )


@playlists.command()
@slug_argument
@click.option("--to", type=int, metavar="PUSH", help="What this push left; see `tracker playlists history`.")
@dry_run_option
@terminal.json_option
def undo(slug: str, to: int | None, dry_run: bool, as_json: bool) -> ExitStatus:
    """Restore an earlier order, and pause the playlist."""
    from playlists.push import undo as undoing
    from profiles.session import open_session

    with open_session() as session:
        result = undoing.undo(session, slug, to=to, dry_run=dry_run, progress=_show_calls)
    if not dry_run and not as_json and result.outcome in ("pushed", "unchanged"):
        terminal.say(f"It is paused now. `tracker playlists resume {slug}` keeps it up to date again.")
    return _report([result], as_json=as_json)


@playlists.command()
@slug_argument
@click.option("--as-of", metavar="DATE", help="What it held at the end of this day, e.g. 2026-03-01.")
@terminal.json_option
def history(slug: str, as_of: str | None, as_json: bool) -> None:
    """The pushes of a playlist, or what was in it."""
    from playlists import printing
    from playlists.push import record
    from profiles.session import open_session

    with open_session() as session:
        if as_of is not None:
            rows = _entries_as_of(session, slug, as_of)
            terminal.show(rows, as_json=as_json, empty="It was empty.")
            return
        pushes = record.read_pushes(session.database, slug)
    terminal.show([printing.push_row(push) for push in pushes], as_json=as_json, empty="It was never pushed.")


def _entries_as_of(session: Session, slug: str, as_of: str) -> list[Row]:
    from playlists.push import record
    from playlists.selections import read_titles

    until = _end_of_day(as_of, session.settings.tracker_timezone)
    pushes = record.read_pushes(session.database, slug, until=until)
    known = next((push for push in pushes if push.status == "done" and push.after is not None), None)
    if known is None or known.after is None:
        raise InputError(
            f"Nothing is known of '{slug}' as of {as_of}.", remedy=f"See `tracker playlists history {slug}`."
        )
    titles = read_titles(session.database, [entry.uri for entry in known.after if entry.uri])
    return [
        {
            "position": position,
            "uri": entry.uri,
            "title": titles.get(entry.uri or ""),
            "added_at": entry.added_at,
        }
        for position, entry in enumerate(known.after, start=1)
    ]


for _rule_command in (rules.new, rules.edit, rules.versions, rules.eject, rules.explain):
    playlists.add_command(_rule_command)


@playlists.command()
@slug_argument
@terminal.json_option
def pause(slug: str, as_json: bool) -> None:
    """Stop keeping a playlist up to date; it stays as it is."""
    from profiles.session import open_session

    with open_session() as session:
        _switch(session, slug, enabled=False, as_json=as_json)


@playlists.command()
@slug_argument
@terminal.json_option
def resume(slug: str, as_json: bool) -> None:
    """Keep a playlist up to date again, also one deleted on Spotify."""
    from playlists import records, registry
    from profiles.session import open_session

    with open_session() as session:
        state = records.read_states(session.database).get(slug)
        if state is not None and state.state == "deleted_on_spotify":
            registry.restore(session, state)
        _switch(session, slug, enabled=True, as_json=as_json)


def _switch(session: Session, slug: str, *, enabled: bool, as_json: bool) -> None:
    from playlists import records

    state = _known(session, slug)
    reason = None if enabled else "paused by you"
    records.write_override(session.database, slug, state.name or slug, enabled=enabled, reason=reason)
    terminal.show([{"slug": slug, "state": "active" if enabled else "paused"}], as_json=as_json)


playlists.add_command(rules.check)
playlists.add_command(rules.import_rules)


@playlists.command()
@click.option("--recreate", is_flag=True, help="Take it back after you deleted it.")
@terminal.json_option
def exclusions(recreate: bool, as_json: bool) -> None:
    """The playlist of what must stay out; made once."""
    from playlists.exclusions import ensure_exclusions
    from profiles.session import open_session

    with open_session() as session:
        state = ensure_exclusions(session, is_restored=recreate)
    row = {"slug": state.slug, "state": state.state, "playlist_id": state.playlist_id}
    terminal.show([row], as_json=as_json)


@click.group(cls=terminal.OrderedGroup)
def recordings() -> None:
    """Decide which tracks are editions of one recording, where ISRC and name cannot tell.

    `analytics.duplicate_recordings` names what is doubtful. TRACK and OTHER are ids, uris or links.
    """


@recordings.command("list")
@terminal.json_option
def list_recordings(as_json: bool) -> None:
    """All decisions."""
    from dataclasses import asdict

    from playlists.recordings import overrides
    from profiles.database import open_database

    found = overrides(open_database(terminal.settings()))
    terminal.show([asdict(each) for each in found], as_json=as_json, empty="Nothing was decided yet.")


reason_option = click.option("--reason", required=True, help="Why, so that you know it in a year.")


@recordings.command()
@click.argument("track")
@click.argument("other")
@reason_option
@terminal.json_option
def merge(track: str, other: str, reason: str, as_json: bool) -> None:
    """The recordings of two tracks are one."""
    _decide("merge", track, other, reason, as_json=as_json)


@recordings.command()
@click.argument("track")
@click.argument("other")
@reason_option
@terminal.json_option
def split(track: str, other: str, reason: str, as_json: bool) -> None:
    """The first track leaves the recording of the second."""
    _decide("split", track, other, reason, as_json=as_json)


def _decide(kind: Kind, track: str, other: str, reason: str, *, as_json: bool) -> None:
    from dataclasses import asdict

    from playlists.recordings import decide
    from profiles.build_marks import mark_build_due
    from profiles.database import open_database

    database = open_database(terminal.settings())
    made = decide(database, kind, track, other, reason)
    mark_build_due(database)
    if as_json:
        terminal.print_json(asdict(made))
    else:
        are = "are one recording" if kind == "merge" else "are two recordings"
        terminal.say(f"{made.track_id} and {made.other_track_id} {are} from the next `tracker build` on.")


@recordings.command()
@click.argument("track")
@click.argument("other")
def delete(track: str, other: str) -> None:
    """Take a decision back."""
    from playlists.recordings import RecordingError, forget
    from profiles.build_marks import mark_build_due
    from profiles.database import open_database

    database = open_database(terminal.settings())
    if not forget(database, track, other):
        raise RecordingError("There is no decision about these two.", remedy="See `tracker recordings list`.")
    mark_build_due(database)
    terminal.say("Deleted. `tracker build` follows it.")


def _known(session: Session, slug: str) -> PlaylistState:
    from playlists import records
    from playlists.playlist_types import PlaylistState
    from playlists.rules import stored_rules
    from playlists.selections import read_selections

    state = records.read_states(session.database).get(slug)
    if state is not None:
        return state
    rule = stored_rules.load_all(session.database).get(slug)
    if rule is not None:
        return PlaylistState(slug, None, rule.title)
    selections, _ = read_selections(session.database)
    if slug not in selections:
        raise InputError(f"No playlist is called {slug}.", remedy="See `tracker playlists list`.")
    return PlaylistState(slug, None, selections[slug].block.title)


def _details(session: Session, plans: Sequence[Plan]) -> list[Row]:
    from playlists import printing
    from playlists.selections import read_titles

    uris = {uri for plan in plans for uri in (*plan.wanted, *plan.script.removed)}
    titles = read_titles(session.database, sorted(uris))
    return [printing.plan_detail(plan, titles) for plan in plans]


def _report(results: Sequence[PushResult], *, as_json: bool) -> ExitStatus:
    from playlists import printing

    rows = [printing.result_row(result) for result in results]
    terminal.show(rows, as_json=as_json, empty="No playlist is enabled.")
    if any(result.is_failure for result in results):
        return ExitStatus.FAILED
    is_deferred = any(result.outcome == "deferred" for result in results)
    return ExitStatus.DEFERRED if is_deferred else ExitStatus.DONE


def _show_calls(slug: str, done: int, total: int) -> None:
    if total > 1:
        click.echo(f"\r{slug}: {done} of {total} calls", nl=done == total, err=True)


def _end_of_day(text: str, zone: str) -> datetime:
    """A day means its end in the user's zone; a moment means itself."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise InputError(f"'{text}' is no date.", remedy="Write it like 2026-03-01.") from None
    if "T" not in text and " " not in text:
        moment = datetime.combine(moment.date(), time.max)
    return (moment.replace(tzinfo=ZoneInfo(zone)) if moment.tzinfo is None else moment).astimezone(UTC)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command on playlists; return the exit status."""
    return terminal.run(playlists, arguments)
