"""Prefect events for what somebody should hear of; an automation makes messages of them (see README.md)."""

from __future__ import annotations

import logging
from contextlib import closing
from typing import TYPE_CHECKING, Any

from prefect.events import emit_event

from flows.views import health
from flows.views.rows import Reader
from profiles import redaction
from profiles.signin.refresh import WARN_AFTER_DAYS
from profiles.spotify.client import SpotifyClient

if TYPE_CHECKING:
    from profiles.database import Database
    from profiles.settings import Settings

logger = logging.getLogger(__name__)

RUN_FAILED = "tracker.run.failed"
QUOTA_STOPPED = "tracker.quota.stopped"
GAP_SUSPECTED = "tracker.history.gap-suspected"
SIGN_IN_ENDS = "tracker.sign-in.ends"
HEALTH_RED = "tracker.health.red"


def tell(event: str, flow: str, message: str, **payload: Any) -> None:
    """Emit an event about a flow. Where Prefect is away, the run goes on all the same."""
    try:
        emit_event(
            event,
            resource={"prefect.resource.id": f"tracker.flow.{flow}", "prefect.resource.name": flow},
            payload={"message": redaction.redact(message), **payload},
        )
    except Exception as error:  # whatever is wrong with the telling, the work was done
        logger.debug("the event %s could not be emitted: %s", event, error)


def tell_of_health(database: Database, flow: str) -> str | None:
    """Emit an event where a check of the data is red; returns the health in one line, None before a build."""
    with database.transaction() as cursor:
        checks = health.read_checks(Reader(cursor))
    if not checks:
        return None
    told = health.headline(checks)
    if health.state_of(checks) == "red":
        tell(HEALTH_RED, flow, told)
    return told


def tell_of_sign_in(settings: Settings, database: Database, flow: str) -> str | None:
    """Emit an event where the sign-in is near its end or lost; returns what was told. Makes no call."""
    with closing(SpotifyClient(settings, database)) as client:
        status = client.tokens.status()
    if not status.is_signed_in:
        return None
    if not status.is_valid:
        text = "Spotify no longer accepts the sign-in. Sign in again: connect-spotify, or `tracker login`."
    elif status.age_days is not None and status.expires_on is not None and status.age_days >= WARN_AFTER_DAYS:
        ends = f"{status.expires_on:%Y-%m-%d}"
        text = f"The sign-in ends on {ends}. Renew it: connect-spotify, or `tracker login`."
    else:
        return None
    tell(SIGN_IN_ENDS, flow, text, expires_on=f"{status.expires_on:%Y-%m-%d}" if status.expires_on else None)
    return text
