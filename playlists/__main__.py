"""`python -m playlists`: look at the smart playlists, push them, take a push back.

Exit status: 0 done, 1 failed or refused, 2 bad input, 3 deferred by a quota.
"""

from __future__ import annotations

import argparse
import logging
import sys
from contextlib import contextmanager
from datetime import UTC, datetime, time
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from playlists import exclusions, printing, records, registry
from playlists.playlist_types import PlaylistState
from playlists.push import record
from playlists.push.push import plan_pushes, push_all
from playlists.push.undo import undo
from playlists.rules import cli, model_blocks, stored_rules
from playlists.selections import NothingBuiltError, read_selections, read_titles, tests_of
from playlists.slugs import listed_slugs
from profiles import dbt
from profiles.errors import InputError, SettingsError, TrackerError
from profiles.session import open_session
from profiles.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from playlists.playlist_types import Plan, PushResult, Selection
    from playlists.rules.stored_rules import StoredRule
    from profiles.session import Session

EPILOG = """examples:
  python -m playlists list                        all playlists and how they stand
  python -m playlists plan                        what a push would change, with its calls; nothing is written
  python -m playlists preview rediscover          the selection, and what would come and go
  python -m playlists preview --rule FILE         what a rule would select, before anything exists
  python -m playlists new --rule FILE             a playlist by a rule without SQL
  python -m playlists explain rediscover TRACK    why a track is in or out
  python -m playlists apply rediscover            push one playlist; without a name all enabled ones
  python -m playlists undo rediscover             back to before the last push; the playlist is then paused
  python -m playlists history rediscover --as-of 2026-03-01
  python -m playlists resume rediscover           keep it up to date again, also one deleted on Spotify
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status."""
    options = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    try:
        if options.command is _check_blocks:
            return _check_blocks(None, options)
        with open_session() as session:
            command: Callable[[Session, argparse.Namespace], int] = options.command
            return command(session, options)
    except TrackerError as error:
        print(error, file=sys.stderr)
        return error.exit_status


def _check_blocks(_: Session | None, options: argparse.Namespace) -> int:
    # no session: `make lint` asks it on machines that have no database and no account
    wrong = model_blocks.problems(model_blocks.read_models(load_settings()), listed_slugs())
    rows: list[printing.Row] = [{"slug": slug, "problem": problem} for slug, problem in wrong.items()]
    printing.show(rows, as_json=options.json, empty="Every playlist block is valid.")
    return SettingsError.exit_status if wrong else 0


def _list(session: Session, options: argparse.Namespace) -> int:
    states = records.read_states(session.database)
    try:
        selections, invalid = read_selections(session.database)
    except NothingBuiltError:
        selections, invalid = {}, {}
    rules = stored_rules.load_all(session.database)
    rows = []
    for slug in sorted({*states, *selections, *invalid, *rules}):
        state, selection = states.get(slug), selections.get(slug)
        is_enabled = selection is None or (
            state.is_enabled(selection.block.enabled) if state else selection.block.enabled
        )
        standing = state.state if state and state.playlist_id else "not created yet"
        rows.append(
            {
                "slug": slug,
                "name": _name(slug, selection, state, rules.get(slug)),
                "state": standing if is_enabled or standing != "not created yet" else "off",
                "selected": len(selection.uris) if selection else None,
                "playlist_id": state.playlist_id if state else None,
                "last_push_at": state.last_push_at if state else None,
                "why": _why(slug, state, invalid, is_waiting=slug in rules and selection is None),
            }
        )
    printing.show(
        rows, as_json=options.json, empty="No playlist is known yet: run python -m flows daily-sync."
    )
    return 0


def _name(
    slug: str, selection: Selection | None, state: PlaylistState | None, rule: StoredRule | None
) -> str | None:
    if selection is not None:
        return selection.block.title
    return rule.title if rule else (state.name if state else slug)


def _why(
    slug: str, state: PlaylistState | None, invalid: Mapping[str, InputError], *, is_waiting: bool
) -> str | None:
    if slug in invalid:
        return str(invalid[slug])
    if state is not None and state.state_reason:
        return state.state_reason
    return "Not built yet: python -m flows build-models." if is_waiting else None


def _plan(session: Session, options: argparse.Namespace) -> int:
    plans = plan_pushes(session, options.slugs or None, force=options.force)
    if options.json:
        printing.print_json(_details(session, plans))
    else:
        printing.show([printing.plan_row(plan) for plan in plans], as_json=False)
    return 1 if any(plan.outcome in ("failed", "refused") for plan in plans) else 0


def _preview(session: Session, options: argparse.Namespace) -> int:
    if options.rule is not None:
        return cli.preview_rule(session, options)
    if options.slug is None:
        raise SettingsError("Nothing to preview is named.", remedy="Give a SLUG, or --rule FILE.")
    [detail] = _details(session, plan_pushes(session, [options.slug]))
    if options.json:
        printing.print_json(detail)
        return 0
    print(f"{detail['name']}: {detail['wanted']} tracks selected, {detail['has']} on Spotify now.")
    for place, track in enumerate(detail["selection"][: options.tracks], start=1):
        print(f"{place:>4}  {track['title'] or track['uri']}")
    printing.show_diff(detail)
    return 0


def _apply(session: Session, options: argparse.Namespace) -> int:
    results = push_all(
        session,
        options.slugs or None,
        dry_run=options.dry_run,
        force=options.force,
        reason="by hand",
        tester=lambda slugs: _test(session, slugs),
        progress=_progress,
    )
    return _report(results, as_json=options.json)


def _test(session: Session, slugs: Sequence[str]) -> None:
    """Run the dbt tests of selections that nobody has tested since they were built."""
    dbt.run(
        ["test", "--log-level", "none", "--select", *tests_of(slugs, session.database)],
        session.settings,
        session.database,
    )


def _undo(session: Session, options: argparse.Namespace) -> int:
    result = undo(session, options.slug, to=options.to, dry_run=options.dry_run, progress=_progress)
    if not options.dry_run and not options.json and result.outcome in ("pushed", "unchanged"):
        print(f"It is paused now. python -m playlists resume {options.slug} keeps it up to date again.")
    return _report([result], as_json=options.json)


def _history(session: Session, options: argparse.Namespace) -> int:
    if options.as_of is None:
        pushes = record.read_pushes(session.database, options.slug)
        printing.show(
            [printing.push_row(push) for push in pushes], as_json=options.json, empty="It was never pushed."
        )
        return 0
    until = _end_of_day(options.as_of, session.settings.tracker_timezone)
    pushes = record.read_pushes(session.database, options.slug, until=until)
    known = next((push for push in pushes if push.status == "done" and push.after is not None), None)
    if known is None or known.after is None:
        raise SettingsError(
            f"Nothing is known of '{options.slug}' as of {options.as_of}.",
            remedy=f"See python -m playlists history {options.slug}.",
        )
    titles = read_titles(session.database, [entry.uri for entry in known.after if entry.uri])
    rows: list[printing.Row] = [
        {
            "position": position,
            "uri": entry.uri,
            "title": titles.get(entry.uri or ""),
            "added_at": entry.added_at,
        }
        for position, entry in enumerate(known.after, start=1)
    ]
    printing.show(rows, as_json=options.json, empty="It was empty.")
    return 0


def _pause(session: Session, options: argparse.Namespace) -> int:
    return _switch(session, options, enabled=False)


def _resume(session: Session, options: argparse.Namespace) -> int:
    state = records.read_states(session.database).get(options.slug)
    if state is not None and state.state == "deleted_on_spotify":
        registry.restore(session, state)
    return _switch(session, options, enabled=True)


def _switch(session: Session, options: argparse.Namespace, *, enabled: bool) -> int:
    state = _known(session, options.slug)
    reason = None if enabled else "paused by you"
    records.write_override(
        session.database, options.slug, state.name or options.slug, enabled=enabled, reason=reason
    )
    row = {"slug": options.slug, "state": "active" if enabled else "paused"}
    printing.show([row], as_json=options.json)
    return 0


def _exclusions(session: Session, options: argparse.Namespace) -> int:
    state = exclusions.ensure_exclusions(session, is_restored=options.recreate)
    row = {"slug": state.slug, "state": state.state, "playlist_id": state.playlist_id}
    printing.show([row], as_json=options.json)
    return 0


def _known(session: Session, slug: str) -> PlaylistState:
    state = records.read_states(session.database).get(slug)
    if state is not None:
        return state
    rule = stored_rules.load_all(session.database).get(slug)
    if rule is not None:
        return PlaylistState(slug, None, rule.title)
    selections, _ = read_selections(session.database)
    if slug not in selections:
        raise SettingsError(f"No playlist is called {slug}.", remedy="See python -m playlists list.")
    return PlaylistState(slug, None, selections[slug].block.title)


def _details(session: Session, plans: Sequence[Plan]) -> list[printing.Row]:
    uris = {uri for plan in plans for uri in (*plan.wanted, *plan.script.removed)}
    titles = read_titles(session.database, sorted(uris))
    return [printing.plan_detail(plan, titles) for plan in plans]


def _report(results: Sequence[PushResult], *, as_json: bool) -> int:
    printing.show(
        [printing.result_row(result) for result in results], as_json=as_json, empty="No playlist is enabled."
    )
    if any(result.is_failure for result in results):
        return 1
    return 3 if any(result.outcome == "deferred" for result in results) else 0


def _progress(slug: str, done: int, total: int) -> None:
    if total > 1:
        end = "\n" if done == total else ""
        print(f"\r{slug}: {done} of {total} calls", end=end, file=sys.stderr, flush=True)


def _end_of_day(text: str, zone: str) -> datetime:
    """A day means its end in the user's zone; a moment means itself."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise SettingsError(f"'{text}' is no date.", remedy="Write it like 2026-03-01.") from None
    if "T" not in text and " " not in text:
        moment = datetime.combine(moment.date(), time.max)
    return (moment.replace(tzinfo=ZoneInfo(zone)) if moment.tzinfo is None else moment).astimezone(UTC)


@contextmanager
def _command(
    commands: argparse._SubParsersAction[argparse.ArgumentParser],
    name: str,
    text: str,
    run: Callable[[Session, argparse.Namespace], int],
) -> Iterator[argparse.ArgumentParser]:
    parser = commands.add_parser(name, help=text, description=text)
    yield parser
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(command=run)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m playlists",
        description=__doc__,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(required=True, metavar="command")
    many = {"nargs": "*", "metavar": "SLUG", "help": "names as in `list`; all enabled ones if none is given"}
    with _command(commands, "list", "All playlists, their states, and why one fails.", _list):
        pass
    with _command(
        commands, "plan", "What a push would change, with calls and churn. Writes nothing.", _plan
    ) as one:
        one.add_argument("slugs", **many)  # type: ignore[arg-type]
        one.add_argument("--force", action="store_true", help="plan as if max_churn were not set")
    with _command(
        commands, "preview", "One selection, and what would come and go. Writes nothing.", _preview
    ) as one:
        one.add_argument("slug", metavar="SLUG", nargs="?")
        one.add_argument(
            "--rule", metavar="FILE", help="what this rule would select (JSON; - reads the input)"
        )
        one.add_argument("--tracks", type=int, default=20, help="how many of the selected tracks to print")
    with _command(commands, "apply", "Bring playlists in line with their selections.", _apply) as one:
        one.add_argument("slugs", **many)  # type: ignore[arg-type]
        one.add_argument("--dry-run", action="store_true", help="plan and check, but write nothing")
        one.add_argument("--force", action="store_true", help="push even above max_churn")
    with _command(commands, "undo", "Restore an earlier order, and pause the playlist.", _undo) as one:
        one.add_argument("slug", metavar="SLUG")
        one.add_argument("--to", type=int, metavar="PUSH", help="what this push left (see history)")
        one.add_argument("--dry-run", action="store_true", help="plan, but write nothing")
    with _command(commands, "history", "The pushes of a playlist, or what was in it.", _history) as one:
        one.add_argument("slug", metavar="SLUG")
        one.add_argument("--as-of", metavar="DATE", help="what it held at the end of this day")
    _add_rule_commands(commands)
    with _command(
        commands, "check-blocks", "Check the block of every playlist model, before a build.", _check_blocks
    ):
        pass
    with _command(commands, "pause", "Stop keeping a playlist up to date; it stays as it is.", _pause) as one:
        one.add_argument("slug", metavar="SLUG")
    with _command(
        commands, "resume", "Keep it up to date again, also one deleted on Spotify.", _resume
    ) as one:
        one.add_argument("slug", metavar="SLUG")
    with _command(
        commands, "exclusions", "The playlist of what must stay out; made once.", _exclusions
    ) as one:
        one.add_argument("--recreate", action="store_true", help="take it back after you deleted it")
    return parser


def _add_rule_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    rule = {"metavar": "FILE", "help": "the rule as JSON; - reads the input"}
    dry_run = {"action": "store_true", "help": "check the rule and preview it, but store nothing"}
    with _command(commands, "new", "Keep a playlist by a rule without SQL.", cli.new) as one:
        one.add_argument("--rule", required=True, **rule)
        one.add_argument("--slug", help="its short name; else that of the file, else from the title")
        one.add_argument("--dry-run", **dry_run)  # type: ignore[arg-type]
    with _command(commands, "edit", "Change a rule; without --rule it is printed.", cli.edit) as one:
        one.add_argument("slug", metavar="SLUG")
        one.add_argument("--rule", **rule)  # type: ignore[arg-type]
        one.add_argument("--dry-run", **dry_run)  # type: ignore[arg-type]
    with _command(commands, "versions", "Every version of a rule.", cli.rule_versions) as one:
        one.add_argument("slug", metavar="SLUG")
    with _command(
        commands,
        "eject",
        "Write a rule out as a dbt model, and build that instead.",
        cli.eject_rule,
    ) as one:
        one.add_argument("slug", metavar="SLUG")
    with _command(commands, "explain", "Why a track is in a playlist or not.", cli.explain_track) as one:
        one.add_argument("slug", metavar="SLUG")
        one.add_argument("track", metavar="TRACK", help="its id, its link, or a part of its title")
    with _command(
        commands,
        "import-rules",
        "Keep the rules of an older tracker that import-tracker brought; they are paused at first.",
        cli.import_from_tracker,
    ) as one:
        one.add_argument("--dry-run", action="store_true", help="translate and show them, but store nothing")
    with _command(commands, "check-rules", "Check all rules without SQL, as before each build.", cli.check):
        pass


if __name__ == "__main__":
    sys.exit(main())
