"""The home folder of a sandbox."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sandbox.accounting import Call
    from sandbox.core import Sandbox


class Storage:
    """Keeps the account."""

    def store(self, sandbox: Sandbox, call: Call | None) -> None:
        """Store what has changed."""

    def forget_calls(self) -> None:
        """Forget the calls."""
