"""Lives a history step by step, and looks after each step whether every promise holds."""

from __future__ import annotations

import json
from collections import Counter
from datetime import timedelta
from random import Random
from typing import TYPE_CHECKING

from profiles.database import embedded
from sandbox.account.export import Quirks, make_export
from sandbox.api.player import latest_reports
from tests.extract.conftest import LIKED_NOW, SAVED_NOW
from tests.faults.world import KILLED, Ending, World, new_world

if TYPE_CHECKING:
    from pathlib import Path

    from sandbox.account.model import Playlist
    from tests.faults.schedule import History, Step

SLUGS = ("one", "two")
WORDS = {"push": ["playlists", "apply", "--json"], "build": ["build"]}


class BrokenPromise(AssertionError):
    """What was promised and does not hold, and after which step."""


def live(history: History, folder: Path) -> list[str]:
    """Live a history in a folder of its own; return what the commands printed. Raises BrokenPromise."""
    with new_world(folder, has_dbt=history.has_dbt) as world:
        doing: Step | str = "the first step"
        try:
            for doing in history.steps:
                do(world, doing)
                promises_hold(world)
            doing = "the clean run"
            well_after_a_clean_run(world)
        except AssertionError as error:
            raise BrokenPromise(f"{error} ({doing})") from error
        return world.printed


def do(world: World, step: Step) -> None:
    """Let time pass, then do one step."""
    account = world.spotify.account
    account.clock.move_to(account.now + timedelta(hours=step.hours))
    if step.hours > 24:
        world.end_cooldowns()
    dice = Random(step.dice)
    if hasattr(Deeds, step.kind):
        getattr(Deeds, step.kind)(world, dice)
    else:
        command(world, step, dice)


class Deeds:
    """What the person does, on Spotify."""

    @staticmethod
    def listen(world: World, dice: Random) -> None:
        account = world.spotify.account
        tracks = sorted(account.tracks)
        for _ in range(dice.choice((1, 3, 10, 40, 70))):
            account.clock.move_to(account.now + timedelta(minutes=3, milliseconds=dice.randrange(1000)))
            account.play(dice.choice(tracks), ms_played=dice.choice((None, None, 12_000)))

    @staticmethod
    def like(world: World, dice: Random) -> None:
        account = world.spotify.account
        free = sorted(set(account.tracks) - set(account.liked_ids))
        for track_id in dice.sample(free, min(len(free), dice.choice((1, 1, 2, 12)))):
            account.clock.move_to(account.now + timedelta(seconds=dice.choice((0, 1, 60))))
            account.like(track_id)

    @staticmethod
    def unlike(world: World, dice: Random) -> None:
        account = world.spotify.account
        for track_id in dice.sample(
            sorted(account.liked_ids), min(len(account.liked_ids), dice.choice((1, 1, 7)))
        ):
            account.unlike(track_id)

    @staticmethod
    def like_again(world: World, dice: Random) -> None:
        account = world.spotify.account
        track_id = dice.choice(sorted(account.liked_ids))
        account.unlike(track_id)
        account.clock.move_to(account.now + timedelta(seconds=30))
        account.like(track_id)

    @staticmethod
    def save(world: World, dice: Random) -> None:
        account = world.spotify.account
        free = sorted(set(account.albums) - set(account.saved_album_ids))
        if free:
            account.save_album(dice.choice(free))

    @staticmethod
    def unsave(world: World, dice: Random) -> None:
        account = world.spotify.account
        if account.saved_album_ids:
            account.unsave_album(dice.choice(sorted(account.saved_album_ids)))

    @staticmethod
    def edit_ours(world: World, dice: Random) -> None:
        for playlist in _ours(world)[:1]:
            uris = list(playlist.uris)
            dice.shuffle(uris)
            world.spotify.account.edit_playlist(playlist.id, uris[: dice.randrange(len(uris) + 1)])

    @staticmethod
    def edit_theirs(world: World, dice: Random) -> None:
        playlist_id = dice.choice(sorted(world.theirs))
        uris = dice.sample(sorted(track.uri for track in world.spotify.account.tracks.values()), 20)
        world.spotify.account.edit_playlist(playlist_id, uris)
        world.theirs[playlist_id] = list(uris)

    @staticmethod
    def exclude(world: World, dice: Random) -> None:
        for playlist in world.spotify.account.playlists.values():
            if playlist.name == "exclusions" and playlist.is_in_library:
                uri = dice.choice(sorted(track.uri for track in world.spotify.account.tracks.values()))
                world.spotify.account.edit_playlist(playlist.id, [*playlist.uris, uri])

    @staticmethod
    def delete_ours(world: World, dice: Random) -> None:
        for playlist in _ours(world):
            if dice.random() < 0.3:
                world.spotify.account.delete_playlist(playlist.id)
                world.deleted.add(playlist.id)

    @staticmethod
    def export(world: World, dice: Random) -> None:
        export = make_export(world.spotify.account, quirks=Quirks.none(), seed=dice.randrange(99))
        path = world.home.parent / f"export-{len(world.imported)}"
        export.write(path)
        world.imported.append(path)

    @staticmethod
    def select(world: World, dice: Random) -> None:
        uris = sorted(track.uri for track in world.spotify.account.tracks.values())
        slug = dice.choice(SLUGS)
        before = world.selected.get(slug, uris[:30])
        fresh = [uri for uri in dice.sample(uris, dice.choice((0, 3, 40))) if uri not in before]
        wanted = [uri for uri in before if dice.random() < 0.8] + fresh
        if dice.random() < 0.3:
            dice.shuffle(wanted)
        world.select(slug, wanted)


def _ours(world: World) -> list[Playlist]:
    ids = {playlist_id for (playlist_id,) in world.query("select playlist_id from ops.playlists")}
    return [
        playlist
        for playlist in world.spotify.account.playlists.values()
        if playlist.id in ids and playlist.is_in_library
    ]


def words_of(world: World, step: Step) -> list[str] | None:
    """Return the words of a command, None where there is nothing for it to work on."""
    if step.kind == "import":
        return ["import", str(world.imported[-1])] if world.imported else None
    return WORDS.get(step.kind) or ["sync", step.kind]


def command(world: World, step: Step, dice: Random) -> None:
    """Run a command, and look whether it tells the truth about what it did."""
    words = words_of(world, step)
    if words is None:
        return
    visible = {
        _play_key(report.played_at, report.track_id) for report in latest_reports(world.spotify.account)
    }
    ending = world.run(words, step.trouble)
    trouble = step.trouble
    if trouble is not None:
        is_limit = trouble.kind == "quota_exceeded" or (trouble.kind, trouble.times) == ("rate_limited", None)
        world.is_cooling = world.is_cooling or is_limit
        if trouble.kind == "revoked_refresh_token":
            world.sign_in_again()
    tells_the_truth(world, step, ending)
    if ending.status == 0 and step.kind == "plays":
        world.due |= visible


def tells_the_truth(world: World, step: Step, ending: Ending) -> None:
    """Assert that an exit status, and what is printed with it, agree with what was done."""
    kind = step.trouble.kind if step.trouble else ""
    status = ending.status
    if kind.startswith("kill") and status == KILLED:
        return
    if kind == "clock_behind":
        assert status == 2, f"a clock that went back ends with {status}: {ending.tail}"
        return
    assert not ending.called_at_rest, f"{ending.called_at_rest} was called during its cooldown"
    assert "Traceback" not in ending.printed, f"a traceback: {ending.tail}"
    allowed = {0} if kind in ("", "stop", "twin") else {0, 1}
    allowed |= {3} if world.is_cooling else set()
    if step.kind == "push":
        allowed |= {1}  # refused: sources too old, nothing selected
    assert status in allowed, f"{step.kind} with {kind or 'no trouble'} ends with {status}: {ending.tail}"
    if status == 0:
        done_means_done(world, step.kind, ending)


def done_means_done(world: World, kind: str, ending: Ending) -> None:
    """Assert that what a command with status 0 was asked for is done."""
    account = world.spotify.account
    if kind == "likes":
        assert stored(world, LIKED_NOW) == set(account.liked_ids), "likes differ after a sync"
    if kind == "albums":
        assert stored(world, SAVED_NOW) == set(account.saved_album_ids), "albums differ after a sync"
    if kind == "push":
        for result in json.loads(ending.printed[ending.printed.index("[") :]):
            if result["outcome"] in ("pushed", "unchanged") and result["slug"] in world.selected:
                is_pushed(world, result["slug"])


def is_pushed(world: World, slug: str) -> None:
    """Assert that a playlist is what was selected."""
    found = [one for one in _ours(world) if one.name == slug.title()]
    assert len(found) == 1, f"{slug} exists {len(found)} times"
    if world.selected[slug]:
        assert found[0].uris == world.selected[slug], f"{slug} is not what was selected"


def stored(world: World, statement: str) -> set[str]:
    """Return the first column of a query."""
    return {row[0] for row in world.query(statement)}


def _play_key(played_at: object, track_id: str) -> tuple[str, str]:
    return (played_at.astimezone().isoformat(timespec="milliseconds"), track_id)  # type: ignore[attr-defined]


def promises_hold(world: World) -> None:
    """Assert what must hold at every moment."""
    embedded.ensure_running(world.home)  # it may have died; the queries below need it, too
    account = world.spotify.account
    if world.database.relation_exists("raw_spotify.recently_played"):
        rows = world.query(
            "select played_at, replace(track_uri, 'spotify:track:', '') from raw_spotify.recently_played"
        )
        kept = Counter(_play_key(played_at, track_id) for played_at, track_id in rows)
        assert max(kept.values(), default=1) == 1, "a play is stored twice"
        true = {_play_key(one.played_at, one.track_id) for one in account.reports}
        assert set(kept) <= true, "a play was invented"
        assert world.due <= set(kept), f"{len(world.due - set(kept))} plays were lost"
    if world.database.relation_exists("raw_spotify.library_removals"):
        removed = set(
            world.query(
                "select id, added_at from (select distinct on (id, added_at) id, added_at, event"
                " from raw_spotify.library_removals where kind = 'track'"
                " order by id, added_at, noticed_at desc) as latest where event = 'removed'"
            )
        )
        standing = {(like.track_id, like.added_at) for like in account.likes}
        assert not removed & standing, "a like that still stands was removed"
    for playlist in account.playlists.values():
        if playlist.id in world.theirs:
            assert list(playlist.uris) == world.theirs[playlist.id], f"'{playlist.name}' was changed"
        elif playlist.name.lower() in SLUGS:
            assert max(Counter(playlist.uris).values(), default=1) == 1, f"{playlist.name} repeats"
    names = Counter(one.name for one in _ours(world))
    assert max(names.values(), default=1) == 1, f"a playlist exists twice: {names}"


def well_after_a_clean_run(world: World) -> None:
    """Assert that one run without trouble puts everything right, and that a second push has nothing to do."""
    world.end_cooldowns()
    account = world.spotify.account
    account.clock.move_to(account.now + timedelta(hours=1))
    for name in ("likes", "albums", "plays", "exclusions"):
        ending = world.run(["sync", name])
        assert ending.status == 0, f"the clean sync of {name}: {ending.status}, {ending.tail}"
        done_means_done(world, name, ending)
    for slug, uris in world.selected.items():
        world.select(slug, uris)
    if world.has_dbt:
        ending = world.run(WORDS["build"])
        assert ending.status == 0, f"the clean build ends with {ending.status}: {ending.tail}"
    for _ in range(2):
        ending = world.run(WORDS["push"])
        assert ending.status == 0, f"the clean push ends with {ending.status}: {ending.tail}"
        done_means_done(world, "push", ending)
    writes = world.spotify.calls.writes
    world.run(WORDS["push"])
    assert world.spotify.calls.writes == writes, "a push with nothing to change writes"
    promises_hold(world)
    secrets_are_nowhere(world)


def secrets_are_nowhere(world: World) -> None:
    """Assert that neither files of the home (but the database's own) nor outputs hold a secret."""
    known = {*world.secrets, world.spotify.refresh_token, world.spotify.client_secret}
    secrets = [secret.encode() for secret in known]
    for path in world.home.rglob("*"):
        if path.is_file() and "postgres" not in path.relative_to(world.home).parts:
            content = path.read_bytes()
            assert not any(secret in content for secret in secrets), f"a secret stands in {path}"
    printed = "\n".join(world.printed).encode()
    assert not any(secret in printed for secret in secrets), "a secret was printed"
    for table in ("ops.runs", "ops.logs"):
        text = "".join(row[0] for row in world.query(f"select cast(t as text) from {table} as t")).encode()
        assert not any(secret in text for secret in secrets), f"a secret stands in {table}"
