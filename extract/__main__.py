"""`python -m extract [RESOURCE…] [--full] [--json]`: bring raw_spotify up to date, without an orchestrator.

Exit status: 0 done, 1 something failed, 2 bad input, 3 deferred by a quota.
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, TypeAlias

from extract import artists, availability, listening, playlists, profile
from extract.library import sync
from profiles.errors import Deferred, SettingsError, TrackerError
from profiles.session import open_session

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from extract.report import LoadReport, PollReport, Progress
    from profiles.session import Session

DONE, FAILED, BAD_INPUT, DEFERRED = 0, 1, 2, 3

Sync: TypeAlias = "Callable[[Session, argparse.Namespace], LoadReport | PollReport]"


def _progress(resource: str) -> Progress | None:
    if not sys.stderr.isatty():
        return None

    def tell(seen: int, total: int) -> None:
        sys.stderr.write(f"\r{resource}: {seen:,} of {total:,}" + ("\n" if seen >= total else ""))
        sys.stderr.flush()

    return tell


def _likes(session: Session, asked: argparse.Namespace) -> LoadReport:
    return sync.sync_liked_tracks(session, full=asked.full, progress=_progress("liked_tracks"))


def _albums(session: Session, asked: argparse.Namespace) -> LoadReport:
    return sync.sync_saved_albums(session, full=asked.full, progress=_progress("saved_albums"))


def _playlists(session: Session, asked: argparse.Namespace) -> LoadReport:
    return playlists.sync_playlists(session, [*playlists.watched_playlists(session), *asked.playlist])


def _availability(session: Session, asked: argparse.Namespace) -> LoadReport:
    progress = _progress("track_availability")
    return availability.check_availability(session, full=asked.full, progress=progress)


# plays first: they are lost for good if a later step takes long or uses the quota up
RESOURCES: dict[str, Sync] = {
    "recently_played": lambda session, _: listening.poll(session),
    "profile": lambda session, _: profile.sync_profile(session),
    "saved_albums": _albums,
    "liked_tracks": _likes,
    "playlists": _playlists,
    "track_availability": _availability,
    "artists": lambda session, _: artists.sync_artists(session),
    "artist_albums": lambda session, _: artists.sync_artist_albums(session),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the resources that are named (all, if none is) and print what happened."""
    asked = _parser().parse_args(arguments)
    unknown = [name for name in asked.resources if name not in RESOURCES]
    if unknown:
        sys.stderr.write(f"No such resource: {', '.join(unknown)}. There are: {', '.join(RESOURCES)}.\n")
        return BAD_INPUT
    logging.basicConfig(level=logging.WARNING, format="%(message)s", stream=sys.stderr)
    names = [name for name in RESOURCES if name in asked.resources or not asked.resources]
    try:
        with open_session() as session:
            results = [_run(session, name, asked) for name in names]
    except TrackerError as error:
        sys.stderr.write(f"{error}\n")
        return BAD_INPUT if isinstance(error, SettingsError) else FAILED
    if asked.json:
        sys.stdout.write(json.dumps(results, indent=2, default=str) + "\n")
    states = {result["state"] for result in results}
    return FAILED if "failed" in states else DEFERRED if "deferred" in states else DONE


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m extract", description="Load from Spotify into raw_spotify."
    )
    parser.add_argument(
        "resources", nargs="*", metavar="RESOURCE", help=", ".join(RESOURCES) + " (default: all)"
    )
    parser.add_argument("--full", action="store_true", help="list everything instead of looking for changes")
    parser.add_argument("--playlist", action="append", default=[], metavar="ID", help="read its entries too")
    parser.add_argument("--json", action="store_true", help="print the reports as JSON")
    return parser


def _run(session: Session, name: str, asked: argparse.Namespace) -> dict[str, Any]:
    """Run one resource. Its failure is its own: the others are asked all the same."""
    try:
        report = RESOURCES[name](session, asked)
    except TrackerError as error:
        state = "deferred" if isinstance(error, Deferred) else "failed"
        sys.stderr.write(f"{name}: {state}: {error}\n")
        return {"resource": name, "state": state, "error": str(error)}
    result = {"resource": name, "state": "done", **asdict(report)}
    if not asked.json:
        facts = [
            f"{key} {value}" for key, value in result.items() if key not in {"resource", "state", "detail"}
        ]
        facts += [f"{key}: {value}" for key, value in result.get("detail", {}).items()]
        sys.stdout.write(f"{name}: {', '.join(facts)}\n")
    return result


if __name__ == "__main__":
    sys.exit(main())
