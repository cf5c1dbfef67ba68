"""The profile of the account whose data this is: GET /me."""

from __future__ import annotations

from typing import TYPE_CHECKING

from extract.loading import pipeline
from extract.loading.clean import clean, text_or_none
from extract.loading.source_checks import write_check
from extract.loading.tables import PROFILE
from extract.report import LoadReport
from profiles.clock import as_of
from profiles.database import advisory_lock
from profiles.errors import SpotifyUnavailable

if TYPE_CHECKING:
    from profiles.session import Session


def sync_profile(session: Session) -> LoadReport:
    """Store the profile where it changed. `account_id` is the key; older answers have only `id`."""
    calls_before = session.spotify.calls_made
    with advisory_lock(session.database, "extract:profile", wait=False) as is_mine:
        if not is_mine:
            return LoadReport.skipped(PROFILE.name)
        pipeline.ensure_tables(session, "account")
        pipeline.finish_pending(session, "account")
        looked_at = as_of(session.settings)
        profile = clean(session.spotify.get("me"))
        account_id = text_or_none(profile.get("account_id")) or text_or_none(profile.get("id"))
        if account_id is None:
            raise SpotifyUnavailable("Spotify's answer to GET /me names no account.")
        with session.database.transaction() as cursor:
            cursor.execute("select payload from raw_spotify.profile where account_id = %s", [account_id])
            stored = cursor.fetchone()
        rows = [] if stored == (profile,) else [{"account_id": account_id, "payload": profile}]
        loaded = pipeline.load(session, "account", {PROFILE: rows})
        write_check(session.database, PROFILE.name, looked_at, 1, {})
    return LoadReport(PROFILE.name, loaded.rows, 0, session.spotify.calls_made - calls_before)
