"""What a person in a terminal sees of a run: its steps, its warnings, its end."""

from __future__ import annotations

import logging
import sys

from profiles.redaction import redact

PROGRESS = "flows"  # our flows' own lines: the steps
LIBRARIES = ("extract", "playlists", "profiles")


class Lines(logging.Formatter):
    """Plain sentences; warnings and errors say so."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        mark = "" if record.levelno < logging.WARNING else f"{record.levelname.lower()}: "
        return redact(f"  {mark}{super().format(record)}")


def show_steps(*, is_quiet: bool = False) -> None:
    """Show our flows' lines on standard error, and none of Prefect's. May be repeated.

    To be called after Prefect has been imported: its handlers must exist before they can be made quiet.
    """
    for name in (None, "prefect", "prefect.flow_runs", "prefect.task_runs"):
        for handler in logging.getLogger(name).handlers:
            if type(handler).__name__ == "PrefectConsoleHandler":
                handler.setLevel(logging.CRITICAL)  # what fails is in our own lines
    for name, level in ((PROGRESS, logging.INFO), *((each, logging.WARNING) for each in LIBRARIES)):
        logger = logging.getLogger(name)
        if any(isinstance(handler.formatter, Lines) for handler in logger.handlers):
            continue
        handler = logging.StreamHandler(sys.stderr)
        handler.setLevel(logging.WARNING if is_quiet else level)
        handler.addFilter(lambda record: not getattr(record, "is_summary", False))
        handler.setFormatter(Lines("%(message)s"))
        logger.addHandler(handler)
        logger.setLevel(logging.INFO)
