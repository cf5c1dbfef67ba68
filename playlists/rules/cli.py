"""The commands on rules without SQL."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from profiles import terminal
from profiles.errors import ExitStatus

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.tree import Tree

    from playlists.rules.explain import Explanation
    from playlists.rules.legacy_import import LegacyPlaylist
    from playlists.rules.preview import Preview
    from playlists.rules.rule import Rule
    from playlists.rules.stored_rules import StoredRule
    from profiles.session import Session
    from profiles.terminal import Row

NEXT = """The next daily-sync and update-playlists put it on Spotify. At once:
  `tracker build --models playlists`, then `tracker playlists apply {slug}`"""

dry_run_option = click.option(
    "--dry-run", is_flag=True, help="Check the rule and preview it, but store nothing."
)


@click.command()
@click.option("--rule", "file", required=True, metavar="FILE", help="The rule as JSON; - reads the input.")
@click.option("--slug", help="Its short name; else that of the file, else from the title.")
@dry_run_option
@terminal.json_option
def new(file: str, slug: str | None, dry_run: bool, as_json: bool) -> None:
    """Keep a playlist by a rule without SQL."""
    from playlists.rules import stored_rules
    from playlists.slugs import slug_of
    from profiles.session import open_session

    with open_session() as session:
        named, rule = read_file(file)
        slug = slug or named or slug_of(rule.block.title)
        if dry_run:
            stored_rules.refuse_taken(session.database, slug)
            show_preview(session, rule, as_json=as_json, slug=slug)
            return
        _show_saved(stored_rules.save(session.database, slug, rule, is_new=True), as_json=as_json)


@click.command()
@click.argument("slug")
@click.option("--rule", "file", metavar="FILE", help="What becomes different, as JSON; - reads the input.")
@dry_run_option
@terminal.json_option
def edit(slug: str, file: str | None, dry_run: bool, as_json: bool) -> None:
    """Change a rule; without --rule it is printed.

    What FILE does not name stays as it is, and so does what is "unchanged" there; null takes an option away.
    Conditions are replaced as a whole.
    """
    from playlists.rules import changes, stored_rules
    from profiles.session import open_session

    with open_session() as session:
        stored = stored_rules.load(session.database, slug)
        if file is None:
            terminal.print_json({"slug": stored.slug, **stored.document})
            return
        rule = changes.changed_rule(stored.document, read_document(file))
        different = changes.differences(stored.document, rule)
        if not as_json:
            terminal.say(*(different or ["Nothing is different; the rule stays as it is."]))
        if dry_run:
            show_preview(session, rule, as_json=as_json, slug=stored.slug)
            return
        if different:
            stored = stored_rules.save(session.database, stored.slug, rule, is_new=False)
        if different or as_json:
            _show_saved(stored, as_json=as_json)


@click.command()
@click.argument("slug")
@terminal.json_option
def versions(slug: str, as_json: bool) -> None:
    """Every version of a rule."""
    from playlists.rules import stored_rules
    from profiles.session import open_session

    with open_session() as session:
        found = stored_rules.versions(session.database, slug)
    rows: list[Row] = [
        {"version": version, "saved_at": saved_at, "rule": document if as_json else json.dumps(document)}
        for version, saved_at, document in found
    ]
    terminal.show(rows, as_json=as_json, empty=f"No rule was ever called '{slug}'.")


@click.command()
@click.argument("slug")
@terminal.json_option
def eject(slug: str, as_json: bool) -> None:
    """Write a rule out as a dbt model, and build that instead."""
    from playlists.rules import eject as ejecting
    from profiles.session import open_session

    with open_session() as session:
        ejected = ejecting.eject(session, slug)
    if as_json:
        terminal.print_json({"slug": ejected.slug, "files": [str(file) for file in ejected.files]})
        return
    terminal.say(f"'{ejected.slug}' is a model now, and builds as it did before:")
    terminal.say(*(f"  {file}" for file in ejected.files))


@click.command()
@click.argument("slug")
@click.argument("track")
@terminal.json_option
def explain(slug: str, track: str, as_json: bool) -> None:
    """Why a track is in a playlist or not.

    TRACK is its id, its link, or a part of its title.
    """
    from playlists.rules import explain as explaining
    from profiles.session import open_session

    with open_session() as session:
        found = explaining.explain(session, slug, track)
    if as_json:
        terminal.print_json(
            {
                "slug": found.slug,
                "track_id": found.track_id,
                "title": found.title,
                "standing": found.standing,
                "reason": found.reason,
                "rank": found.rank,
                "position": found.position,
                "conditions": [
                    {"level": each.level, "text": each.text, "holds": each.holds} for each in found.conditions
                ],
            }
        )
        return
    terminal.show_tree(_tree(found))


def _tree(found: Explanation) -> Tree:
    from rich.text import Text
    from rich.tree import Tree

    tree = Tree(Text(f"{found.title} is {found.standing}: {found.reason}"))
    branches = [tree]
    for judged in found.conditions:
        del branches[judged.level + 1 :]
        style = "green" if judged.holds else "red"
        text = Text(f"{'yes' if judged.holds else 'no'}  {judged.text}", style=style)
        branches.append(branches[-1].add(text))
    return tree


@click.command()
@click.option("--blocks", is_flag=True, help="Check the blocks of the models instead; needs no database.")
@terminal.json_option
def check(blocks: bool, as_json: bool) -> ExitStatus:
    """Check all rules without SQL, as before each build.

    Those that are not valid are left out of builds.
    """
    if blocks:
        return _check_blocks(as_json=as_json)
    from playlists.rules.check import check_rules
    from profiles.session import open_session

    with open_session() as session:
        verdicts = check_rules(session.database)
    rows: list[Row] = [{"slug": each.slug, "verdict": each.verdict, "why": each.reason} for each in verdicts]
    terminal.show(rows, as_json=as_json, empty="No rule is kept in the database.")
    is_failure = any(each.verdict == "invalid" for each in verdicts)
    return ExitStatus.FAILED if is_failure else ExitStatus.DONE


def _check_blocks(*, as_json: bool) -> ExitStatus:
    from playlists.rules import model_blocks
    from playlists.slugs import listed_slugs

    wrong = model_blocks.problems(model_blocks.read_models(terminal.settings()), listed_slugs())
    rows: list[Row] = [{"slug": slug, "problem": problem} for slug, problem in wrong.items()]
    terminal.show(rows, as_json=as_json, empty="Every playlist block is valid.")
    return ExitStatus.BAD_INPUT if wrong else ExitStatus.DONE


@click.command("import-rules")
@click.option("--dry-run", is_flag=True, help="Translate and show them, but store nothing.")
@terminal.json_option
def import_rules(dry_run: bool, as_json: bool) -> ExitStatus:
    """Keep the rules of an older tracker; they are paused at first.

    `tracker import-tracker` brings them.
    """
    from playlists.rules import legacy_import
    from profiles.session import open_session

    with open_session() as session:
        read = legacy_import.legacy_playlists if dry_run else legacy_import.import_rules
        offers = read(session.database)
    _show_offers(offers, is_dry_run=dry_run, as_json=as_json)
    return ExitStatus.FAILED if any(offer.is_lost for offer in offers) else ExitStatus.DONE


def _show_offers(offers: Sequence[LegacyPlaylist], *, is_dry_run: bool, as_json: bool) -> None:
    rows: list[Row] = [
        {
            "slug": offer.slug,
            "theirs": offer.theirs,
            "title": offer.rule.block.title if offer.rule else None,
            "outcome": _outcome(offer, is_dry_run=is_dry_run),
            "playlist_id": offer.playlist_id,
            "why": offer.why,
        }
        for offer in offers
    ]
    terminal.show(rows, as_json=as_json, empty="No rule was imported: `tracker import-tracker`.")
    if not as_json and any(offer.is_waiting for offer in offers) and not is_dry_run:
        terminal.say(
            "Look at one with `tracker playlists preview SLUG`; `tracker playlists resume SLUG` keeps it up."
        )


def _outcome(offer: LegacyPlaylist, *, is_dry_run: bool) -> str:
    if offer.is_stored:
        return "stored before"
    if offer.rule is None:
        return "not imported"
    return "can be imported" if is_dry_run else "imported, paused"


def read_file(path: str) -> tuple[str | None, Rule]:
    """The slug and the rule of a JSON file; `-` is standard input. Raises InvalidRuleError."""
    from playlists.rules import stored_rules

    return stored_rules.read_document(read_document(path))


def read_document(path: str) -> Any:
    """The content of a JSON file; `-` is standard input. Raises InvalidRuleError."""
    from playlists.rules.rule import InvalidRuleError

    try:
        text = sys.stdin.read() if path == "-" else Path(path).read_text(encoding="utf-8-sig")
        return json.loads(text)
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidRuleError(
            f"The rule could not be read: {error}.", remedy="Name a JSON file, or -."
        ) from None
    except (ValueError, RecursionError) as error:
        raise InvalidRuleError(
            f"The rule is no JSON: {error}.",
            remedy='Write {"title": …, "match": "all", "conditions": [{…}]}.',
        ) from None


def show_preview(
    session: Session, rule: Rule, *, as_json: bool, tracks: int = 20, slug: str | None = None
) -> None:
    """Say what a rule would select, before anything is stored."""
    from playlists.rules.preview import preview

    found = preview(session, rule, tracks=tracks)
    if as_json:
        terminal.print_json(preview_detail(found, slug))
        return
    terminal.say(
        f"{found.title}: {found.count} tracks ({found.matched} meet the conditions). Nothing was stored.",
        *(f"{track['position']:>4}  {track['artist']} – {track['title']}" for track in found.tracks),
        *(f"  {note}" for note in found.notes),
    )


def preview_detail(found: Preview, slug: str | None = None) -> Row:
    """A preview as JSON."""
    return {
        "slug": slug,
        "title": found.title,
        "count": found.count,
        "matched": found.matched,
        "tracks": list(found.tracks),
        "notes": list(found.notes),
    }


def _show_saved(stored: StoredRule, *, as_json: bool) -> None:
    if as_json:
        terminal.print_json(
            {
                "slug": stored.slug,
                "version": stored.version,
                "verdict": stored.verdict,
                "why": stored.verdict_reason,
                "rule": stored.document,
            }
        )
        return
    verdict = stored.verdict_reason or ""
    terminal.say(f"'{stored.slug}' is stored as version {stored.version}. {verdict}".rstrip())
    terminal.say(NEXT.format(slug=stored.slug))
