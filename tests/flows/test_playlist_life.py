"""A playlist by a rule, from its form to its nights, with real dbt and a real server. In this order."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from extract import availability, listening
from extract.library import sync
from extract.loading import pipeline
from flows.nightly import daily_sync
from flows.push import undo_playlist, update_playlists
from flows.rules import create_playlist, edit_playlist, preview_playlist
from flows.run import dbt_build
from flows.run.recorded_run import BAD_INPUT, outcome_of
from flows.server import prefect_api
from playlists.push import guards
from playlists.push.push import plan_pushes, push_all
from playlists.push.record import read_pushes
from playlists.rules import stored_rules
from playlists.rules.check import check_rules
from playlists.rules.form import PlaylistForm
from playlists.selections import read_facts, read_selections
from playlists.slugs import slug_of
from profiles import dbt, simulated_time
from profiles.session import session_for
from profiles.settings import load_settings
from sandbox.account.builders import library_of
from sandbox.testing import RunningSandbox, running_sandbox
from tests.conftest import temporary_database
from tests.support.dbt_in_memory import DBT, Result, output_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from profiles.database import Database
    from profiles.session import Session
    from sandbox.account.model import Playlist

pytestmark = [pytest.mark.usefixtures("prefect_server"), pytest.mark.slow]

# one model that is off, so that a build is about the rules
PROJECT = ("--vars", "{playlists: [liked_album_not_saved]}")
WANTED = ("+playlist_selections", "+playlist_definitions")
# of the tests those that the push asks for
TESTS = ("selections_*", "--exclude-resource-type", "unit_test", "--indirect-selection", "empty")
BEGAN = datetime.now(UTC).replace(microsecond=0) - timedelta(days=9)
FIRST_SONGS = {"field": "title", "operator": "starts with", "value": "Liked song 1-"}


@dataclass
class House:
    """A home with a database, a simulated account and dbt at hand."""

    session: Session
    spotify: RunningSandbox
    patch: pytest.MonkeyPatch
    is_built: bool = False

    def dbt(self, arguments: Sequence[str], environment: Mapping[str, str]) -> list[Result]:
        """Run dbt on the project as it stands here."""
        done = DBT.run(["--quiet", *arguments, *PROJECT], {**os.environ, **environment})
        assert done.status in (0, 1), done.printed  # 1: a model or a test failed
        return done.results

    def invoke(self, arguments: Sequence[str], environment: Mapping[str, str]) -> list[Result]:
        """What flows and previews ask of dbt, narrowed to what is looked at here."""
        if arguments[0] != "build":
            return self.dbt(arguments, environment)
        if "playlist_selections" in arguments:
            return self.dbt([*arguments, *TESTS], environment)
        wanted = [f"tag:playlists,{each}" if "playlists" in arguments else each for each in WANTED]
        # views on what Spotify sent do not change by themselves
        views = ("--exclude", "path:models/staging") if self.is_built else ()
        self.is_built = True
        return self.dbt(["build", "--select", *wanted, *TESTS, *views], environment)

    def playlist(self, name: str) -> Playlist:
        """The truth."""
        [found] = [one for one in self.spotify.account.playlists.values() if one.name == name]
        return found

    def names(self) -> list[str]:
        """Of all playlists on Spotify."""
        return sorted(one.name for one in self.spotify.account.playlists.values())

    def titles(self, name: str) -> list[str]:
        """What a playlist on Spotify holds."""
        tracks = self.spotify.account.tracks
        return [tracks[str(uri).rpartition(":")[2]].name for uri in self.playlist(name).uris]

    def at(self, day: int) -> Session:
        """Let so many days pass since the beginning; the session of that night."""
        moment = BEGAN + timedelta(days=day)
        self.spotify.account.clock.move_to(moment)
        self.patch.setenv("TRACKER_AS_OF", moment.isoformat())
        return type(self.session)(load_settings(), self.session.database, self.session.spotify)


@pytest.fixture(scope="module")
def house(
    prefect_server: None,
    postgres_server: Database,
    template_database: Database,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[House]:
    """Sixty likes, one saved album, some plays: loaded, and nothing built."""
    home = tmp_path_factory.mktemp("home")
    account = library_of(60, 1, plays=20, now=BEGAN)
    with (
        temporary_database(postgres_server, template=template_database.name) as database,
        running_sandbox(account) as spotify,
        pytest.MonkeyPatch.context() as patch,
    ):
        given = {"TRACKER_HOME": str(home), **database.environment(), **spotify.environment}
        for name, value in {**given, "TRACKER_AS_OF": BEGAN.isoformat()}.items():
            patch.setenv(name, value)
        simulated_time.begin(database)
        folders = {
            "DBT_PROJECT_DIR": str(dbt.DBT_PROJECT_DIR),
            "DBT_TARGET_PATH": str(home / "target"),
            "DBT_LOG_PATH": str(home / "logs"),
        }
        with session_for(load_settings(), database) as session:
            for name, value in {**dbt.environment(session.settings, database), **folders}.items():
                patch.setenv(name, value)
            house = House(session, spotify, patch)
            patch.setattr(
                dbt_build, "_invoke", lambda _, *asked: dbt_build.read_verdict(house.invoke(*asked))
            )

            patch.setattr(dbt, "output_of", lambda asked, *rest: output_of([*asked, *PROJECT], *rest))
            pipeline.ensure_tables(session)
            sync.sync_liked_tracks(session)
            sync.sync_saved_albums(session)
            listening.poll(session)
            dbt_build.build_step(dbt_build.Models.ALL)
            yield house


def form(title: str = "Firsts", **details: Any) -> dict[str, Any]:
    """A form as it is filled in; details are those of the rule or of the block."""
    rule = {key: details.pop(key) for key in ("conditions", "as_document") if key in details}
    block = {"select_by": ["title"], **details}
    return {"title": title, "rule": rule or {"conditions": [FIRST_SONGS]}, "block": block}


def artifact_of(key: str) -> str:
    """The latest artifact of this key."""
    from prefect.settings import PREFECT_API_URL

    body = {"artifacts": {"key": {"any_": [key]}}, "sort": "CREATED_DESC", "limit": 1}
    found = prefect_api.ask(str(PREFECT_API_URL.value()), "POST", "artifacts/filter", body)
    return str(found[0]["data"]) if found else ""


UNUSABLE: list[tuple[dict[str, Any], str]] = [
    ({"title": "Mine"}, "'rule': Field required"),
    ({"title": "Mine", "rule": {}}, "a group has no condition"),
    (form(order_by=["by mood"]), "is no order; write a column"),
    ({**form(), "slug": "liked_album_not_saved"}, "a model's name"),
    (form(as_document={"conditions": [{"operator": "in playlist", "value": "?"}]}), "?"),
    (form(conditions=[{"field": "title", "operator": "matches", "value": "(("}]), "PostgreSQL refuses"),
]


@pytest.mark.parametrize(("given", "told"), UNUSABLE)
def test_bad_input_is_named_with_its_remedy_and_creates_nothing(
    house: House, given: dict[str, Any], told: str
) -> None:
    state = create_playlist(given, return_state=True)
    assert (state.is_failed(), outcome_of(state)) == (True, BAD_INPUT)
    assert told in str(state.message)
    assert stored_rules.load_all(house.session.database) == {}
    assert house.names() == []


def test_a_rehearsal_shows_what_it_would_hold_and_leaves_nothing(house: House) -> None:
    state = create_playlist(form(limit={"tracks": 4}), dry_run=True, return_state=True)
    assert state.is_completed(), state.message
    assert "4 tracks of 10 that meet the conditions" in str(state.message)
    shown = artifact_of("playlist-firsts")
    assert "**4 tracks**, of 10" in shown
    assert "title starts with Liked song 1-" in shown
    assert "| 1 | Liked song 1-1 |" in shown
    assert stored_rules.load_all(house.session.database) == {}
    assert house.names() == []


def test_a_form_becomes_a_playlist_on_spotify(house: House) -> None:
    state = create_playlist(form(), return_state=True)
    assert state.is_completed(), state.message
    assert house.titles("Firsts") == sorted(f"Liked song 1-{number}" for number in range(1, 11))
    assert stored_rules.load(house.session.database, "firsts").version == 1
    again = create_playlist(form(), return_state=True)
    assert outcome_of(again) == BAD_INPUT
    assert "called 'firsts' already" in str(again.message)


def test_a_change_makes_a_version_and_an_earlier_one_comes_back(house: House) -> None:
    second: Any = {"rule": {"conditions": [{**FIRST_SONGS, "value": "Liked song 2-"}]}}
    assert edit_playlist("firsts", second, return_state=True).is_completed()
    assert house.titles("Firsts") == sorted(f"Liked song 2-{number}" for number in range(1, 11))
    back: Any = {"version": 1, "block": {"select_by": ["title desc"], "limit": {"tracks": 3}}}
    state = edit_playlist("firsts", back, return_state=True)
    assert state.is_completed(), state.message
    assert house.titles("Firsts") == ["Liked song 1-9", "Liked song 1-8", "Liked song 1-7"]
    assert [number for number, *_ in stored_rules.versions(house.session.database, "firsts")] == [3, 2, 1]


@pytest.mark.parametrize(
    ("slug", "changes", "told"),
    [
        ("firsts", {}, "No change is given"),
        ("firsts", {"version": 9}, "There are 1, 2, 3"),
        ("firsts", {"rule": {}}, "No change is given"),
        ("firsts", {"rule": {"match": "any"}}, "a group has no condition"),
        ("liked_album_not_saved", {"title": "Mine"}, "is a model"),
        ("nobody", {"title": "Mine"}, "No rule is called"),
    ],
)
def test_a_change_that_cannot_be_changes_nothing(
    house: House, slug: str, changes: dict[str, Any], told: str
) -> None:
    state = edit_playlist(slug, changes, return_state=True)
    assert outcome_of(state) == BAD_INPUT
    assert told in str(state.message)
    assert stored_rules.load(house.session.database, "firsts").version == 3


def test_a_preview_writes_nothing(house: House) -> None:
    house.spotify.calls.reset()
    changed: Any = {**form("Other"), "slug": None}
    assert preview_playlist(playlist=changed, return_state=True).is_completed()
    state = preview_playlist("firsts", tracks=2, return_state=True)
    assert "3 tracks; 0 to add" in str(state.message)
    assert "## First 2 of 3 tracks" in artifact_of("playlist-firsts")
    assert preview_playlist("liked_album_not_saved", return_state=True).is_completed()
    assert outcome_of(preview_playlist(return_state=True)) == BAD_INPUT
    assert outcome_of(preview_playlist("nobody", return_state=True)) == BAD_INPUT
    assert house.spotify.calls.writes == 0
    assert list(stored_rules.load_all(house.session.database)) == ["firsts"]


def test_undo_after_three_pushes_restores_the_first_order_and_the_next_nightly_run_leaves_it(
    house: House,
) -> None:
    pushes = [each for each in read_pushes(house.session.database, "firsts") if each.operations]
    assert len(pushes) == 3
    first = [entry.uri for entry in pushes[-1].after or ()]
    assert house.playlist("Firsts").uris != first
    assert undo_playlist("firsts", to=pushes[-1].push_id, dry_run=True, return_state=True).is_completed()
    assert house.playlist("Firsts").uris != first
    state = undo_playlist("firsts", to=pushes[-1].push_id, return_state=True)
    assert state.is_completed(), state.message
    assert house.playlist("Firsts").uris == first
    house.at(1)
    house.spotify.calls.reset()
    assert daily_sync(return_state=True).is_completed()
    night = update_playlists(return_state=True)
    assert night.is_completed(), night.message
    assert "paused" in str(night.message)
    assert house.playlist("Firsts").uris == first
    own = [call for call in house.spotify.calls.api if call.is_write]
    assert [call.template for call in own] == ["/me/playlists"]  # the exclusions playlist, made once
    assert outcome_of(undo_playlist("nobody", return_state=True)) == BAD_INPUT


def test_a_week_of_nights_in_which_nothing_matters_to_the_rules_writes_nothing(house: House) -> None:
    """New plays, availability that comes and goes, likes that no rule asks for; no seed, no time window."""
    keep(house, form("Whole", include_unavailable=True, order_by=["random"]))
    keep(house, form("Five", limit={"tracks": 5}))
    keep(house, form("Long Ago", requires={"history_days": 400}))
    assert night(house, 1) == {"firsts": "paused", "five": "pushed", "long_ago": "refused", "whole": "pushed"}
    assert len(house.titles("Whole")) == 10
    assert house.titles("Five") == [
        "Liked song 1-1",
        "Liked song 1-10",
        "Liked song 1-2",
        "Liked song 1-3",
        "Liked song 1-4",
    ]
    before = {name: house.playlist(name).uris for name in house.names()}
    account = house.spotify.account
    outside = [track for track in account.tracks.values() if not track.name.startswith("Liked song 1-")]
    inside = [track for track in account.tracks.values() if track.name in house.titles("Whole")]
    writes, reads = 0, []
    for day in range(2, 9):
        # not in Five, and Whole takes what cannot be played, too
        for track in (outside[day], next(one for one in inside if one.name == "Liked song 1-9")):
            track.is_playable = day % 2 == 0
        house.at(day)
        for number, track in enumerate([*inside[day : day + 2], *outside[: day * 2]]):
            account.play(track.id, account.now - timedelta(minutes=4 * number + 1))
        account.unlike(outside[20 + day].id)
        house.spotify.calls.reset()
        night(house, day)
        writes += house.spotify.calls.writes
        reads.append(house.spotify.calls.reads)
    print(f"a week of nights: {writes} writes; reads of each night: {reads}")
    with house.session.database.transaction() as cursor:
        cursor.execute(
            "select sum(track_play_count), count(*) filter (where not is_playable), count(*)"
            " from analytics.unified_tracks"
        )
        [(plays, unplayable, tracks)] = cursor.fetchall()
    assert plays > 80
    assert (unplayable, tracks) == (3, 70 - 7)
    assert writes == 0
    assert {name: house.playlist(name).uris for name in house.names()} == before


def test_a_playlist_that_needs_more_history_than_is_known_waits_and_says_so(house: House) -> None:
    [plan] = plan_pushes(house.session, ["long_ago"])
    assert [refusal.guard for refusal in plan.refusals] == ["long_enough"]
    assert "needs 400 days of listening history, and" in plan.refusals[0].reason
    assert "Long Ago" not in house.names()


def keep(house: House, given: dict[str, Any]) -> None:
    """Store the rule of a form, as create-playlist does."""
    slug, rule = PlaylistForm.model_validate(given).read()
    stored_rules.save(house.session.database, slug or slug_of(rule.block.title), rule, is_new=True)


def night(house: House, day: int) -> dict[str, str]:
    """What daily-sync and update-playlists do, without Prefect around it; returns the outcomes."""
    session = house.at(day)
    sync.sync_saved_albums(session)
    sync.sync_liked_tracks(session)
    listening.poll(session)
    availability.check_availability(session, full=True)
    check_rules(session.database)
    with dbt.build_lock(session.database, wait=True) as lock:
        assert lock is not None
        environment = {**dbt.environment(session.settings, session.database), **lock.environment()}
        verdict = dbt_build.read_verdict(house.invoke(["build"], environment))
    assert not verdict.failures, verdict.failures
    return {result.slug: result.outcome for result in push_all(session)}


def test_the_rule_of_a_playlist_survives_all_of_it(house: House) -> None:
    with house.session.database.transaction() as cursor:
        cursor.execute("select slug from ops.playlist_rules where retired_at is null order by slug")
        assert [slug for (slug,) in cursor.fetchall()] == ["firsts", "five", "long_ago", "whole"]


BREAK = """
    create function break_a_model() returns event_trigger language plpgsql as $$
    begin
        if position('playlist_liked_album_not_saved__dbt_tmp' in current_query()) > 0 then
            raise exception 'broken on purpose';
        end if;
    end $$;
    create event trigger break_a_model on ddl_command_start
        when tag in ('CREATE TABLE', 'CREATE TABLE AS') execute function break_a_model();
"""


@pytest.mark.parametrize("ever_stood", [True, False], ids=["stood", "never stood"])
def test_a_night_in_which_one_playlist_model_fails_brings_the_others_to_spotify(
    house: House, *, ever_stood: bool
) -> None:
    broken = "liked_album_not_saved"
    database = house.session.database
    session = house.at(9 if ever_stood else 10)
    newcomer = like_another(house, f"Liked song 1-{'twelve' if ever_stood else 'thirteen'}")
    sync.sync_saved_albums(session)
    sync.sync_liked_tracks(session)
    listening.poll(session)
    with database.transaction() as cursor:
        cursor.execute(BREAK)
        if not ever_stood:
            cursor.execute(f"drop table analytics.playlist_{broken} cascade")
    try:
        verdict = dbt_build.build_step(dbt_build.Models.ALL)
        if ever_stood:
            bare = ["build", "--select", f"playlist_{broken}", "--resource-type", "model", *PROJECT]
            assert DBT.run(bare, os.environ).status == 1, "a bare build does not hide the failure"
    finally:
        with database.transaction() as cursor:
            cursor.execute("drop event trigger break_a_model; drop function break_a_model()")
    assert f"playlists not built: {broken}: " in verdict
    assert "broken on purpose" in verdict

    selections, _ = read_selections(database)
    assert newcomer in selections["whole"].uris, "the others are selected anew"
    facts = read_facts(database, selections, datetime.now(UTC))
    refusals = {slug: guards.tested(selection, facts) for slug, selection in selections.items()}
    refusal = refusals.pop(broken)
    assert refusal is not None
    assert "broken on purpose" in refusal.reason
    assert set(refusals.values()) <= {None}

    outcomes = {result.slug: result.outcome for result in push_all(session)}
    assert outcomes["whole"] == "pushed"
    assert newcomer in house.playlist("Whole").uris

    dbt_build.build_step(dbt_build.Models.PLAYLISTS)
    selections, _ = read_selections(database)
    facts = read_facts(database, selections, datetime.now(UTC))
    assert guards.tested(selections[broken], facts) is None


def like_another(house: House, title: str) -> str:
    """Like a song that was not in the catalogue; returns its uri."""
    account = house.spotify.account
    model = next(track for track in account.tracks.values() if track.name == "Liked song 1-1")
    track = account.add_track(
        replace(model, id=f"{account.now:%Y%m%d}".rjust(22, "N"), name=title, isrc=None)
    )
    account.like(track.id)
    return track.uri
