"""Habits (the account's owner does nothing yet)."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from sandbox.account import Account


class Life:
    """What the account's owner does as time passes."""

    def live_until(self, account: Account, moment: datetime) -> None:
        """Live on until then."""
