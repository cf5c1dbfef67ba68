"""The profile of the account whose data this is: GET /me."""

from __future__ import annotations

from typing import TYPE_CHECKING

from extract.loading.clean import clean, text_or_none
from extract.loading.resources import resource_of, rows_of
from extract.loading.stored_payloads import changed_rows, stored_payloads
from extract.loading.syncing import sync
from extract.loading.tables import PROFILE
from profiles.errors import SpotifyUnavailable

if TYPE_CHECKING:
    from extract.loading.resources import Pages
    from extract.report import LoadReport
    from profiles.session import Session
    from profiles.spotify.client import SpotifyClient


@resource_of(PROFILE)
def profile(client: SpotifyClient) -> Pages:
    """Yield one page of one row, by `account_id` (older answers: `id`). Raises SpotifyUnavailable."""
    payload = clean(client.get("me"))
    account_id = text_or_none(payload.get("account_id")) or text_or_none(payload.get("id"))
    if account_id is None:
        raise SpotifyUnavailable("Spotify's answer to GET /me names no account.")
    yield [{"account_id": account_id, "payload": payload}]


def sync_profile(session: Session) -> LoadReport:
    """Store the profile where it changed. One call."""
    with sync(session, PROFILE.name, "account") as run:
        if run.has_lock:
            stored = stored_payloads(session.database, PROFILE)
            run.load({PROFILE: changed_rows(PROFILE, rows_of(profile(session.spotify)), stored)})
            run.record_check(1)
    return run.report()
