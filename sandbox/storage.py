"""Stores a sandbox in one SQLite file of its home folder.

Each request is one transaction, committed before the request is answered: a process that is killed loses
nothing that it has acknowledged.
"""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any, Final

from sandbox import codec
from sandbox.account.account import Account, Clock
from sandbox.account.model import (
    Album,
    Artist,
    Chapter,
    Episode,
    Like,
    Options,
    Play,
    Playlist,
    Profile,
    Report,
    SavedAlbum,
    SavedOther,
    Track,
)
from sandbox.api.oauth import IssuedTokens
from sandbox.control.accounting import KEPT_CALLS, Accounting, Call
from sandbox.core import Sandbox
from sandbox.life.life import Life

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SCHEMA: Final = """
create table if not exists things (kind text, key text, body text not null, unique (kind, key));
create table if not exists events (kind text not null, body text not null);
create table if not exists calls (body text not null);
"""
KEYED: Final[dict[str, type]] = {
    "artists": Artist,
    "albums": Album,
    "tracks": Track,
    "episodes": Episode,
    "chapters": Chapter,
    "playlists": Playlist,
}
LISTED: Final[dict[str, type]] = {
    "likes": Like,
    "saved_albums": SavedAlbum,
    "saved_others": SavedOther,
}
SINGLE: Final[dict[str, type]] = {"profile": Profile, "options": Options, "clock": Clock, "life": Life}
EVENTS: Final[dict[str, type]] = {"plays": Play, "reports": Report}
FILE: Final = "sandbox.sqlite"


class Storage:
    """Reads and writes the SQLite file of one home folder."""

    def __init__(self, home: Path) -> None:
        home.mkdir(parents=True, exist_ok=True)
        self.path = home / FILE
        # one thread serves all requests one after another, so there is one writer at a time
        self.connection = sqlite3.connect(self.path, isolation_level=None, check_same_thread=False)
        self.connection.execute("pragma journal_mode = wal")
        self.connection.execute("pragma synchronous = normal")
        self.connection.executescript(SCHEMA)
        self.stored_faults = "[]"

    def close(self) -> None:
        """Close the file."""
        self.connection.close()

    @property
    def is_empty(self) -> bool:
        """Whether no account was stored yet. The first account is stored whole, in one transaction."""
        return self.connection.execute("select 1 from things limit 1").fetchone() is None

    # -- writing

    def create(self, sandbox: Sandbox) -> None:
        """Store a new account."""
        account = sandbox.account
        for kind in KEYED:
            for key in getattr(account, kind):
                account.mark_changed(kind, key)
        for kind in (*LISTED, *SINGLE, "sandbox"):
            account.mark_changed(kind)
        account.unstored_events = [*account.plays, *account.reports]
        sandbox.tokens.is_changed = True
        self.store(sandbox, None)

    def store(self, sandbox: Sandbox, call: Call | None) -> None:
        """Store all changes and the call, if any, in one transaction. Does nothing where nothing changed."""
        account, tokens = sandbox.account, sandbox.tokens
        faults = json.dumps([fault.as_json() for fault in sandbox.faults.all if fault.kind != "callback"])
        if not (
            account.changes
            or account.unstored_events
            or tokens.is_changed
            or call
            or faults != self.stored_faults
        ):
            return
        things = [self._thing(sandbox, kind, key) for kind, key in account.changes]
        if tokens.is_changed:
            things.append(("tokens", "", codec.dump(tokens)))
        if faults != self.stored_faults:
            things.append(("faults", "", faults))
        events = [
            ("plays" if isinstance(event, Play) else "reports", codec.dump(event))
            for event in account.unstored_events
        ]
        with self._transaction():
            self.connection.executemany(
                "insert into things values (?, ?, ?)"
                " on conflict (kind, key) do update set body = excluded.body",
                things,
            )
            self.connection.executemany("insert into events values (?, ?)", events)
            if call is not None:
                self.connection.execute("insert into calls values (?)", (codec.dump(call),))
        account.mark_stored()
        tokens.is_changed, self.stored_faults = False, faults

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        """Commit everything or nothing. Changes that could not be stored are stored by the next call."""
        self.connection.execute("begin immediate")
        try:
            yield
            self.connection.execute("commit")
        except BaseException:
            self.connection.execute("rollback")
            raise

    def _thing(self, sandbox: Sandbox, kind: str, key: str) -> tuple[str, str, str]:
        account = sandbox.account
        if kind == "sandbox":
            return kind, key, json.dumps({"mode": sandbox.mode})
        held: Any = getattr(account, kind)
        if kind in KEYED:
            return kind, key, codec.dump(held[key])
        if kind in LISTED:
            return kind, key, json.dumps([codec.to_json(one) for one in held])
        return kind, key, "null" if held is None else codec.dump(held)

    def forget_calls(self) -> None:
        """Delete every stored call."""
        self.connection.execute("delete from calls")

    # -- reading

    def load(self) -> Sandbox:
        """Return the sandbox as it was stored last."""
        account, sandbox = Account(), Sandbox(storage=self)
        sandbox.account = account
        for kind, key, body in self.connection.execute("select kind, key, body from things order by rowid"):
            if kind in KEYED:
                getattr(account, kind)[key] = codec.load(KEYED[kind], body)
            elif kind in LISTED:
                setattr(account, kind, [codec.from_json(LISTED[kind], one) for one in json.loads(body)])
            elif kind in SINGLE:
                setattr(account, kind, None if body == "null" else codec.load(SINGLE[kind], body))
            else:
                self._restore(sandbox, kind, body)
        for kind, body in self.connection.execute("select kind, body from events order by rowid"):
            getattr(account, kind).append(codec.load(EVENTS[kind], body))
        # late events were stored in order of arrival; the account keeps its lists in order of time
        account.plays.sort(key=lambda one: one.ended_at)
        account.reports.sort(key=lambda one: one.played_at)
        for playlist in account.playlists.values():
            playlist.remember()
        sandbox.calls = self._load_calls()
        account.mark_stored()
        return sandbox

    def _restore(self, sandbox: Sandbox, kind: str, body: str) -> None:
        """Restore what is not part of the account: the mode, the tokens, the faults."""
        if kind == "tokens":
            sandbox.tokens = codec.load(IssuedTokens, body)
        elif kind == "sandbox":
            sandbox.mode = json.loads(body)["mode"]
        else:
            self.stored_faults = body
            for shape in json.loads(body):
                counts = {name: shape.pop(name) for name in ("matched", "fired")}
                fault = sandbox.faults.add(**{name: value for name, value in shape.items() if name != "id"})
                fault.matched, fault.fired = counts["matched"], counts["fired"]

    def _load_calls(self) -> Accounting:
        accounting = Accounting()
        query = "select body from (select rowid, body from calls order by rowid desc limit ?) order by rowid"
        with closing(self.connection.execute(query, (KEPT_CALLS,))) as rows:
            accounting.all.extend(codec.load(Call, body) for (body,) in rows)
        return accounting
