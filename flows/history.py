"""The past: Spotify's exports and an older tracker's database, with no call to Spotify."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from prefect import flow
from prefect.artifacts import create_markdown_artifact
from prefect.client.schemas.objects import State

from extract import history
from flows.pages import refresh_pages
from flows.run.dbt_build import Models, build_step
from flows.run.progress import progress_bar
from flows.run.recorded_run import Run, recorded_flow_run
from flows.views.markdown import escape
from playlists.rules import legacy_import
from profiles import redaction
from profiles.build_marks import mark_build_due
from profiles.errors import InputError
from profiles.session import open_session

if TYPE_CHECKING:
    from pydantic import SecretStr

    from extract.history import ImportProgress, ImportReport
    from profiles.database import Database


logger = logging.getLogger(__name__)


def read_export(path: str) -> ImportReport:
    """Load the listening history from a zip, a folder or a file; from the inbox where no path is given."""
    if history.is_address(path):
        raise InputError(
            "A database address is not taken as a parameter: parameters are stored and shown.",
            remedy="Set TRACKER_IMPORT_URL and run import-tracker.",
        )
    with open_session() as session, progress_bar("import-history", "export read", appears_at=1) as bar:

        def show(progress: ImportProgress) -> None:
            text = f"{progress.files_done} of {progress.files_total} files, {progress.rows_read:,} rows read"
            bar(progress.bytes_done, progress.bytes_total, text)

        return history.import_history(session, path, progress=show)


def read_tracker(secret_block: str | None) -> ImportReport:
    """Copy an older tracker's plays, playlist rules and exclusions."""
    url = _secret(secret_block) if secret_block else None
    with open_session() as session:
        return history.import_tracker(session, url=url)


@flow(name="import-history", flow_run_name="import history")
def import_history(path: str = "", build: bool = True) -> State[Any]:
    """Load Spotify's export of your listening history. It makes no call to Spotify.

    Any era and format, as it came. It can be repeated and goes on after an interruption: nothing is added
    twice. The table of what was read is under Artifacts.

    Args:
        path: The zip from Spotify, its folder, or one of its files, on the machine that runs the flow. Empty
            means what lies in the folder `imports` of TRACKER_HOME.
        build: Refresh all models afterwards. Without it the next build makes up for it.
    """
    shown = "[hidden]" if history.is_address(path) else path
    with recorded_flow_run("import-history", path=shown, build=build) as run:
        _finish(run, run.step("import", read_export, path), build=build)
    return run.state


@flow(name="import-tracker", flow_run_name="import tracker")
def import_tracker(
    secret_block: str | None = None, keep_rules: bool = False, build: bool = True
) -> State[Any]:
    """Copy plays, playlist rules and exclusions of an older tracker. Its database is only read.

    Its address, with the password, is never a parameter: it is the setting TRACKER_IMPORT_URL, or stands in a
    Secret block of Prefect.

    Args:
        secret_block: Name of the Secret block that holds the address; none means TRACKER_IMPORT_URL.
        keep_rules: Keep its playlist rules here, too. They are paused until you resume them one by one.
        build: Refresh all models afterwards. Without it the next build makes up for it.
    """
    with recorded_flow_run(
        "import-tracker", secret_block=secret_block, keep_rules=keep_rules, build=build
    ) as run:
        report = run.step("import", read_tracker, secret_block)
        if report is not None and report.is_useful:
            run.step("rules", _rules, run.database, is_asked=keep_rules)
        _finish(run, report, build=build)
    return run.state


def _rules(database: Database, *, is_asked: bool) -> str:
    """Keep the rules, or say how many there are to be kept; what cannot be translated is named."""
    offers = legacy_import.import_rules(database) if is_asked else legacy_import.legacy_playlists(database)
    for offer in offers:
        if offer.is_lost:
            logger.warning("the rule of %s cannot be kept: %s", offer.theirs, offer.why)
    count = sum(offer.is_waiting for offer in offers)
    lost = sum(offer.is_lost for offer in offers)
    kept = "kept, paused until you resume them" if is_asked else "waiting: `tracker playlists import-rules`"
    return f"{count} {kept}" + (f"; {lost} cannot be translated" if lost else "")


def _finish(run: Run, report: ImportReport | None, *, build: bool) -> None:
    """Show what an import read, and build where it brought something."""
    if report is None:
        return
    create_markdown_artifact(
        key=run.flow, markdown=report_markdown(report), description="What the last import read"
    )
    if report.is_useful:
        mark_build_due(run.database)
        if build:
            run.step("build", build_step, Models.ALL)
            run.step("pages", refresh_pages)
    if report.damaged is not None:
        # what could be read is loaded; a broken file is the user's, unless something of ours failed as well
        run.is_bad_input = not run.failed
        run.failed["import"] = report.damaged


def report_markdown(report: ImportReport) -> str:
    """Return the totals of an import, and every file with what became of it."""
    lines = [f"# {escape(report.source)}", "", "| | |", "|---|---:|"]
    lines += [f"| {escape(what.strip())} | {escape(amount)} |" for what, amount in report.lines()]
    files = report.file_rows()
    for heading in files[:1]:
        lines += ["", f"| {' | '.join(heading)} |", "|---|---|---:|---:|---:|---:|---|"]
    lines += [f"| {' | '.join(escape(str(value)) for value in row.values())} |" for row in files]
    return "\n".join(lines)


def _secret(block: str) -> SecretStr:
    from prefect.blocks.system import Secret  # noqa: PLC0415  # blocks take a while to import
    from pydantic import SecretStr  # noqa: PLC0415  # as above

    try:
        value = Secret.load(block).get()  # type: ignore[union-attr]  # load is sync here
    except ValueError:
        raise InputError(
            f"Prefect has no Secret block named '{block}'.", remedy="Create it in the UI under Blocks."
        ) from None
    redaction.hide([value])
    return SecretStr(value)
