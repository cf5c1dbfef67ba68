"""Playlists by rules without SQL: made, changed and looked at in forms."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from prefect import flow
from prefect.artifacts import create_markdown_artifact
from prefect.client.schemas.objects import State

from flows.pages import refresh_pages
from flows.push import push_step
from flows.run.dbt_build import Models, build_step
from flows.run.parameters import Slug
from flows.run.recorded_run import Run, recorded_flow_run
from flows.sync import load_playlists
from flows.views import diffs
from flows.views.refresh import Which
from playlists.push.push import plan_pushes, result_of
from playlists.rules import stored_rules
from playlists.rules.changes import differences
from playlists.rules.form import ChangeForm, PlaylistForm, read_form
from playlists.rules.preview import Preview, preview
from playlists.selections import NothingBuiltError, read_selections, rules_left_out
from playlists.slugs import check_slug, slug_of
from profiles.errors import InputError
from profiles.session import open_session

if TYPE_CHECKING:
    from playlists.rules.rule import Rule
    from profiles.database import Database

logger = logging.getLogger(__name__)

MOST_SHOWN = 200


@dataclass(frozen=True)
class Draft:
    """A rule that can be used, what it would be called, and what is different from the stored one."""

    slug: str
    rule: Rule
    changes: tuple[str, ...] = ()

    @property
    def summary(self) -> str:
        """One line."""
        return "; ".join(self.changes) or f"'{self.rule.block.title}' as {self.slug}"


@dataclass(frozen=True)
class PreviewReport:
    """What a rule selects now."""

    found: Preview

    @property
    def summary(self) -> str:
        """One line."""
        return f"{self.found.count} tracks of {self.found.matched} that meet the conditions"


@dataclass(frozen=True)
class StoredVersion:
    """A rule that is stored, with the verdict of its check."""

    rule: stored_rules.StoredRule

    @property
    def summary(self) -> str:
        """One line."""
        return f"version {self.rule.version}. {self.rule.verdict_reason or ''}".strip()


# the forms are read by ourselves: what is wrong in them ends a run as "Bad input", in words
@flow(name="create-playlist", flow_run_name="create playlist", validate_parameters=False)
def create_playlist(playlist: PlaylistForm, dry_run: bool = False) -> State[Any]:
    """Make a playlist by a rule without SQL: shown first, then kept, built, checked and put on Spotify.

    How many tracks it takes and the first of them stand under Artifacts before anything exists on Spotify. A
    rule that cannot be used ends the run as *Bad input*, and nothing is created.

    Args:
        playlist: Its name, which tracks, and how they are cut and ordered.
        dry_run: Only show what it would hold. Nothing is stored, nothing is written to Spotify.
    """
    with recorded_flow_run("create-playlist", playlist=_as_recorded(playlist), dry_run=dry_run) as run:
        draft = run.step("rule", _new_draft, run.database, playlist)
        if draft is not None and _can_be_shown(run, draft) and not dry_run:
            _store_and_push(run, draft, is_new=True)
    return run.state


@flow(name="edit-playlist", flow_run_name="edit {slug}", validate_parameters=False)
def edit_playlist(slug: Slug, changes: ChangeForm, dry_run: bool = False) -> State[Any]:
    """Change the rule of a playlist, or go back to an earlier version. Every version is kept.

    The run says which options become different. What the playlist would hold is shown under Artifacts before
    anything is changed. A change that cannot be used ends the run as *Bad input*, and nothing is changed.

    Args:
        slug: The playlist's short name; it was made by create-playlist or `tracker playlists new`.
        changes: What becomes different. A field that is left `unchanged`, or empty, changes nothing.
        dry_run: Only show what it would hold. Nothing is stored, nothing is written to Spotify.
    """
    with recorded_flow_run("edit-playlist", slug=slug, changes=_as_recorded(changes), dry_run=dry_run) as run:
        draft = run.step("rule", _changed_draft, run.database, slug, changes)
        if draft is not None and _can_be_shown(run, draft) and not dry_run:
            _store_and_push(run, draft, is_new=False)
    return run.state


@flow(name="preview-playlist", flow_run_name="preview playlist", validate_parameters=False)
def preview_playlist(
    slug: Slug | None = None, playlist: PlaylistForm | None = None, tracks: int = 20
) -> State[Any]:
    """Show what a playlist holds or would hold, and what a push would change. Nothing is written.

    Args:
        slug: A playlist that there is, by its short name. Leave it empty to look at a rule.
        playlist: A rule that is not kept yet, in place of a slug.
        tracks: How many of its tracks are listed.
    """
    with recorded_flow_run(
        "preview-playlist", slug=slug, playlist=_as_recorded(playlist), tracks=tracks
    ) as run:
        found = run.step("playlist", _to_look_at, run.database, slug, playlist)
        if isinstance(found, Draft):
            _can_be_shown(run, found, tracks=tracks)
        elif found is not None:
            run.step("preview", _show_plan, found, min(tracks, MOST_SHOWN))
    return run.state


def _new_draft(database: Database, given: Any) -> Draft:
    slug, rule = read_form(PlaylistForm, given).read()
    slug = slug or slug_of(rule.block.title)
    stored_rules.refuse_taken(database, slug)
    return Draft(slug, rule)


def _changed_draft(database: Database, slug: str, given: Any) -> Draft:
    stored = stored_rules.load(database, slug)
    versions = {number: document for number, _, document in stored_rules.versions(database, slug)}
    rule = read_form(ChangeForm, given).read(stored.document, versions)
    return Draft(slug, rule, tuple(differences(stored.document, rule)))


def _to_look_at(database: Database, slug: str | None, given: Any) -> Draft | str:
    """The rule to look at; the slug of a playlist that is built: it is compared with Spotify."""
    if (slug is None) == (given is None):
        raise InputError(
            "A preview is of one playlist.", remedy="Fill in either its slug or the form of a rule."
        )
    if slug is None:
        form_slug, rule = read_form(PlaylistForm, given).read()
        return Draft(form_slug or slug_of(rule.block.title), rule)
    check_slug(slug)
    if slug in stored_rules.load_all(database) and slug not in _built(database):
        _, rule = stored_rules.read_document(stored_rules.load(database, slug).document)
        return Draft(slug, rule)
    return slug


def _built(database: Database) -> set[str]:
    try:
        return set(read_selections(database)[0])
    except NothingBuiltError:
        return set()


def _can_be_shown(run: Run, draft: Draft, *, tracks: int = 20) -> bool:
    run.step("preview", _show, draft, min(tracks, MOST_SHOWN))
    return not run.has_trouble("preview")


def _show(draft: Draft, tracks: int) -> PreviewReport:
    with open_session() as session:
        found = preview(session, draft.rule, tracks=tracks)
    create_markdown_artifact(
        key=diffs.key_of(draft.slug),
        markdown=diffs.preview_markdown(found, draft.rule),
        description=f"What {found.title} would hold now",
    )
    for track in found.tracks:
        logger.info("%4d  %s – %s", track["position"], track["artist"], track["title"])
    for note in found.notes:
        logger.warning("%s", note)
    return PreviewReport(found)


def _show_plan(slug: str, tracks: int) -> str:
    with open_session() as session:
        [plan] = plan_pushes(session, [slug])
        result = result_of(plan)
        names = diffs.names_of(session.database, {*diffs.changed_uris(result), *plan.wanted[:tracks]})
    create_markdown_artifact(
        key=diffs.key_of(slug),
        markdown=diffs.diff_markdown(result, names, is_dry_run=True, listed=tracks),
        description=f"What {plan.name} holds, and what the next push would change",
    )
    script = plan.script
    return (
        f"{len(plan.wanted)} tracks; {len(script.added)} to add, {len(script.removed)} to remove,"
        f" {len(script.moved)} to move. {diffs.reasons(result)}".strip()
    )


def _store_and_push(run: Run, draft: Draft, *, is_new: bool) -> None:
    stored = run.step("store", _store, run.database, draft, is_new=is_new)
    if stored is None:
        return
    if stored.rule.verdict == "set_aside":
        run.step("playlists it looks into", load_playlists)
    run.step("build", build_step, Models.PLAYLISTS)
    if run.has_trouble("build", "playlists it looks into"):
        return
    if draft.slug in _built(run.database):
        push_step(run, [draft.slug])
        run.step("pages", refresh_pages, Which.PLAYLISTS)
    else:
        why = rules_left_out(run.database).get(draft.slug)
        run.note("push", f"not yet: {why or 'it is built and put on Spotify by the next nightly runs'}")


def _store(database: Database, draft: Draft, *, is_new: bool) -> StoredVersion:
    return StoredVersion(stored_rules.save(database, draft.slug, draft.rule, is_new=is_new))


def _as_recorded(form: Any) -> Any:
    """A form as it is recorded with the run."""
    return form.model_dump(mode="json") if isinstance(form, PlaylistForm | ChangeForm) else form
