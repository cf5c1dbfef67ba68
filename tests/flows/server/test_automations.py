"""Automations on a Prefect server: made once, by the block that the setting names."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from flows.run import events
from profiles.errors import SettingsError


@pytest.mark.usefixtures("prefect_server", "lenient_warnings")
def test_the_automations_are_made_once_and_a_wrong_block_is_named() -> None:
    from prefect.blocks.notifications import CustomWebhookNotificationBlock

    from flows.server import automations
    from flows.views.pages import open_client

    block: Any = CustomWebhookNotificationBlock(
        name="me", url="http://127.0.0.1:1/", json_data={"text": "{{body}}"}
    )
    block.save("me", overwrite=True)
    with pytest.raises(SettingsError, match="no such notification block"):
        automations.ensure("custom-webhook/nobody", poll_seconds=600)
    for _ in range(2):
        automations.ensure("custom-webhook/me", poll_seconds=600)
    with open_client() as client:
        for name in (automations.TROUBLE, automations.SILENCE):
            [made] = client.read_automations_by_name(name)
            client.delete_automation(made.id)


def test_every_event_of_ours_is_told_and_silence_too() -> None:
    from flows.server.automations import automations

    trouble, silence = automations(uuid4(), poll_seconds=7200)
    ours = {
        value for value in vars(events).values() if isinstance(value, str) and value.startswith("tracker.")
    }
    assert trouble.trigger.expect == ours  # type: ignore[union-attr]  # an event trigger
    assert silence.trigger.within == timedelta(hours=8)  # type: ignore[union-attr]  # as above
