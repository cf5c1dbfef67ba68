"""Automations that tell somebody, by the notification block that TRACKER_NOTIFY_BLOCK names."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from prefect.events.actions import SendNotification
from prefect.events.schemas.automations import AutomationCore, EventTrigger, Posture
from prefect.exceptions import ObjectNotFound

from flows.run import events
from flows.views.pages import open_client
from profiles.errors import SettingsError

if TYPE_CHECKING:
    from uuid import UUID

TROUBLE = "tracker: something needs you"
SILENCE = "tracker: no polls"
POLLS = "track-plays"
MISSED_POLLS = 4
SHORTEST_SILENCE = timedelta(hours=1)
FOUND = (
    events.RUN_FAILED,
    events.QUOTA_STOPPED,
    events.GAP_SUSPECTED,
    events.SIGN_IN_ENDS,
    events.HEALTH_RED,
)


def ensure(block: str, *, poll_seconds: int) -> list[str]:
    """Make the automations, or bring them up to date; returns their names.

    `block` is TYPE/NAME, as Prefect writes it (`slack-webhook/me`). Raises SettingsError where there is none.
    """
    kind, _, name = block.partition("/")
    with open_client() as client:
        try:
            found = client.read_block_document_by_name(name, kind)
        except ObjectNotFound:
            raise SettingsError(
                f"TRACKER_NOTIFY_BLOCK is {block}, and there is no such notification block.",
                remedy="Make it in the UI under Blocks; its address there ends with TYPE/NAME.",
            ) from None
        wanted = automations(found.id, poll_seconds=poll_seconds)
        for each in wanted:
            known = client.read_automations_by_name(each.name)
            if known:
                client.update_automation(known[0].id, each)
            else:
                client.create_automation(each)
    return [each.name for each in wanted]


def automations(block_id: UUID, *, poll_seconds: int) -> list[AutomationCore]:
    """Return the automations: of what runs tell, and of polls that no longer come."""
    silence = max(SHORTEST_SILENCE, timedelta(seconds=MISSED_POLLS * poll_seconds))
    told = SendNotification(
        block_document_id=block_id,
        subject="Spotify Tracker: {{ event.resource.name }}",
        body="{{ event.payload.message }}",
    )
    quiet = SendNotification(
        block_document_id=block_id,
        subject="Spotify Tracker: no polls",
        body=f"No poll has ended for {silence}: plays may be lost. `tracker status` says what runs, and"
        " `tracker up` starts it.",
    )
    return [
        AutomationCore(
            name=TROUBLE,
            description="A run failed or was stopped, plays may be missing, or the sign-in ends.",
            trigger=EventTrigger(
                expect=set(FOUND),
                match={"prefect.resource.id": "tracker.flow.*"},
                posture=Posture.Reactive,
                threshold=1,
            ),
            actions=[told],
        ),
        AutomationCore(
            name=SILENCE,
            description="The schedule of track-plays has stopped, or nothing works on it.",
            trigger=EventTrigger(
                after={"prefect.flow-run.*"},
                expect={"prefect.flow-run.Completed", "prefect.flow-run.Failed"},
                match={"prefect.resource.id": "prefect.flow-run.*"},
                match_related={"prefect.resource.role": "flow", "prefect.resource.name": POLLS},
                posture=Posture.Proactive,
                threshold=1,
                within=silence,
            ),
            actions=[quiet],
        ),
    ]
