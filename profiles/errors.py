"""The errors that we expect, each with a message and a remedy for its reader.

No message contains a secret.
"""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING, ClassVar, Literal

if TYPE_CHECKING:
    from datetime import datetime

ForbiddenReason = Literal[
    "premium_lapsed", "not_allow_listed", "insufficient_scope", "endpoint_not_available", "other"
]


class ExitStatus(IntEnum):
    """What every command of ours ends with."""

    DONE = 0
    FAILED = 1
    BAD_INPUT = 2
    DEFERRED = 3
    INTERRUPTED = 130


class TrackerError(Exception):
    """An expected failure with its remedy. A command that fails so ends with `exit_status`."""

    exit_status: ClassVar[ExitStatus] = ExitStatus.FAILED

    def __init__(self, message: str, *, remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.message} {self.remedy}".strip()


class SettingsError(TrackerError):
    """A setting is missing or wrong (exit status 2)."""

    exit_status = ExitStatus.BAD_INPUT


class InputError(TrackerError):
    """An argument, a file, a folder or an address cannot be used (exit status 2)."""

    exit_status = ExitStatus.BAD_INPUT


class DatabaseUnavailable(TrackerError):
    """PostgreSQL cannot be reached, started or prepared."""


class Deferred(TrackerError):
    """Spotify asked for a long pause: the family may not be called before `until` (exit status 3)."""

    exit_status = ExitStatus.DEFERRED

    def __init__(self, family: str, until: datetime, *, reason: str = "") -> None:
        because = f" ({reason})" if reason else ""
        super().__init__(
            f"Spotify allows no more calls to '{family}' until {until:%Y-%m-%d %H:%M} UTC{because}.",
            remedy="Nothing is lost; the next run after that time goes on from here.",
        )
        self.family = family
        self.until = until
        self.reason = reason


class SpotifyError(TrackerError):
    """Spotify refused a call or did not answer. `status` is the HTTP status, None if there was none."""

    def __init__(self, message: str, *, remedy: str = "", status: int | None = None) -> None:
        super().__init__(message, remedy=remedy)
        self.status = status


class AuthorizationLost(SpotifyError):
    """Nobody is signed in, or Spotify no longer accepts the refresh token. Only a new sign-in helps."""


class WrongAccount(SpotifyError):
    """The token belongs to another account than the database."""


class Forbidden(SpotifyError):
    """403: Spotify refused the call. `reason` says which of the known refusals it is."""

    def __init__(self, message: str, *, remedy: str = "", reason: ForbiddenReason = "other") -> None:
        super().__init__(message, remedy=remedy, status=403)
        self.reason: ForbiddenReason = reason


class NotFound(SpotifyError):
    """404: the object does not exist (any more)."""


class BadRequest(SpotifyError):
    """400 and other refusals because of the request itself. Repeating it does not help."""


class SpotifyUnavailable(SpotifyError):
    """5xx, timeouts and dropped connections after all retries.

    `may_have_been_applied` is True if a write may have reached Spotify: read it back before you repeat it.
    """

    def __init__(
        self,
        message: str,
        *,
        remedy: str = "Spotify or the network is at fault; the next run tries again.",
        status: int | None = None,
        may_have_been_applied: bool = False,
    ) -> None:
        super().__init__(message, remedy=remedy, status=status)
        self.may_have_been_applied = may_have_been_applied
