"""The commands on rules without SQL: new, edit, eject, explain, check-rules, and preview of a rule."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from playlists import printing
from playlists.rules import stored_rules
from playlists.rules.check import check_rules
from playlists.rules.eject import eject
from playlists.rules.explain import explain
from playlists.rules.legacy_import import import_rules, legacy_playlists
from playlists.rules.preview import preview
from playlists.rules.rule import InvalidRuleError
from playlists.slugs import slug_of

if TYPE_CHECKING:
    import argparse

    from playlists.rules.legacy_import import LegacyPlaylist
    from playlists.rules.preview import Preview
    from playlists.rules.rule import Rule
    from profiles.session import Session

NEXT = """The next daily-sync and update-playlists put it on Spotify. At once:
  python -m flows build-models --models playlists && python -m playlists apply {slug}"""


def new(session: Session, options: argparse.Namespace) -> int:
    """Store a new rule."""
    slug, rule = read_file(options.rule)
    slug = options.slug or slug or slug_of(rule.block.title)
    if options.dry_run:
        stored_rules.refuse_taken(session.database, slug)
        return _show_preview(session, rule, options, slug=slug)
    return _show_saved(stored_rules.save(session.database, slug, rule, is_new=True), options)


def edit(session: Session, options: argparse.Namespace) -> int:
    """Change a stored rule; without a file, print it."""
    stored = stored_rules.load(session.database, options.slug)
    if options.rule is None:
        printing.print_json({"slug": stored.slug, **stored.document})
        return 0
    _, rule = read_file(options.rule)
    if options.dry_run:
        return _show_preview(session, rule, options, slug=stored.slug)
    return _show_saved(stored_rules.save(session.database, stored.slug, rule, is_new=False), options)


def eject_rule(session: Session, options: argparse.Namespace) -> int:
    """Write a stored rule out as a model."""
    ejected = eject(session, options.slug)
    if options.json:
        printing.print_json({"slug": ejected.slug, "files": [str(file) for file in ejected.files]})
        return 0
    print(f"'{ejected.slug}' is a model now, and builds as it did before:")
    for file in ejected.files:
        print(f"  {file}")
    return 0


def preview_rule(session: Session, options: argparse.Namespace) -> int:
    """Say what a rule would select, before anything is stored."""
    _, rule = read_file(options.rule)
    return _show_preview(session, rule, options)


def explain_track(session: Session, options: argparse.Namespace) -> int:
    """Say why a track is in a playlist or not."""
    found = explain(session, options.slug, options.track)
    if options.json:
        printing.print_json(
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
        return 0
    print(f"{found.title} is {found.standing}: {found.reason}")
    for judged in found.conditions:
        print(f"  {'yes' if judged.holds else 'no ':>3}  {'  ' * judged.level}{judged.text}")
    return 0


def check(session: Session, options: argparse.Namespace) -> int:
    """Check all stored rules; those that are not valid are left out of builds."""
    verdicts = check_rules(session.database)
    rows: list[printing.Row] = [
        {"slug": each.slug, "verdict": each.verdict, "why": each.reason} for each in verdicts
    ]
    printing.show(rows, as_json=options.json, empty="No rule is kept in the database.")
    return 1 if any(each.verdict == "invalid" for each in verdicts) else 0


def rule_versions(session: Session, options: argparse.Namespace) -> int:
    """Print every version of a rule."""
    rows: list[printing.Row] = [
        {"version": version, "saved_at": saved_at, "rule": document if options.json else json.dumps(document)}
        for version, saved_at, document in stored_rules.versions(session.database, options.slug)
    ]
    printing.show(rows, as_json=options.json, empty=f"No rule was ever called '{options.slug}'.")
    return 0


def import_from_tracker(session: Session, options: argparse.Namespace) -> int:
    """Keep the rules that `import-tracker` brought, paused."""
    offers = legacy_playlists(session.database) if options.dry_run else import_rules(session.database)
    rows: list[printing.Row] = [
        {
            "slug": offer.slug,
            "theirs": offer.theirs,
            "title": offer.rule.block.title if offer.rule else None,
            "outcome": _outcome(offer, is_dry_run=options.dry_run),
            "playlist_id": offer.playlist_id,
            "why": offer.why,
        }
        for offer in offers
    ]
    printing.show(rows, as_json=options.json, empty="No rule was imported: python -m flows import-tracker.")
    if not options.json and any(offer.is_waiting for offer in offers) and not options.dry_run:
        print(
            "Look at one with python -m playlists preview SLUG; python -m playlists resume SLUG keeps it up."
        )
    return 1 if any(offer.is_lost for offer in offers) else 0


def _outcome(offer: LegacyPlaylist, *, is_dry_run: bool) -> str:
    if offer.is_stored:
        return "stored before"
    if offer.rule is None:
        return "not imported"
    return "can be imported" if is_dry_run else "imported, paused"


def read_file(path: str) -> tuple[str | None, Rule]:
    """The slug and the rule of a JSON file; `-` is standard input. Raises InvalidRuleError."""
    try:
        text = sys.stdin.read() if path == "-" else Path(path).read_text(encoding="utf-8-sig")
        document: Any = json.loads(text)
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidRuleError(
            f"The rule could not be read: {error}.", remedy="Name a JSON file, or -."
        ) from None
    except (ValueError, RecursionError) as error:
        raise InvalidRuleError(
            f"The rule is no JSON: {error}.",
            remedy='Write {"title": …, "match": "all", "conditions": [{…}]}.',
        ) from None
    return stored_rules.read_document(document)


def _show_preview(
    session: Session, rule: Rule, options: argparse.Namespace, *, slug: str | None = None
) -> int:
    found = preview(session, rule, tracks=getattr(options, "tracks", 20))
    if options.json:
        printing.print_json(preview_detail(found, slug))
        return 0
    print(f"{found.title}: {found.count} tracks ({found.matched} meet the conditions). Nothing was stored.")
    for track in found.tracks:
        print(f"{track['position']:>4}  {track['artist']} – {track['title']}")
    for note in found.notes:
        print(f"  {note}")
    return 0


def preview_detail(found: Preview, slug: str | None = None) -> printing.Row:
    """A preview as JSON."""
    return {
        "slug": slug,
        "title": found.title,
        "count": found.count,
        "matched": found.matched,
        "tracks": list(found.tracks),
        "notes": list(found.notes),
    }


def _show_saved(stored: stored_rules.StoredRule, options: argparse.Namespace) -> int:
    if options.json:
        printing.print_json(
            {
                "slug": stored.slug,
                "version": stored.version,
                "verdict": stored.verdict,
                "why": stored.verdict_reason,
                "rule": stored.document,
            }
        )
        return 0
    print(f"'{stored.slug}' is stored as version {stored.version}. {stored.verdict_reason or ''}".rstrip())
    print(NEXT.format(slug=stored.slug))
    return 0
