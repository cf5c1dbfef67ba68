"""Records every call: how many calls a client made, and whether it used endpoints that no longer exist."""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import asdict, dataclass, field
from datetime import datetime  # noqa: TC003  the storage reads the annotations at run time
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

KEPT_CALLS: Final = 200_000
READS: Final = ("GET", "HEAD")


@dataclass(slots=True)
class Call:
    """One call. `path` is below /v1.

    `status` is None if no answer was sent: dropped, hanging, or still running.
    """

    method: str
    path: str
    query: str
    template: str
    family: str
    is_removed_endpoint: bool
    called_at: datetime
    status: int | None = None
    fault: str | None = None

    @property
    def is_write(self) -> bool:
        """Whether the call may change something."""
        return self.method not in READS

    def as_json(self) -> dict[str, Any]:
        """Return the call as a JSON object."""
        return {**asdict(self), "called_at": self.called_at.isoformat()}


@dataclass
class Accounting:
    """All calls since the last reset. The counts do not include the accounts service (login, tokens)."""

    all: deque[Call] = field(default_factory=lambda: deque(maxlen=KEPT_CALLS))

    def __iter__(self) -> Iterator[Call]:
        return iter(tuple(self.all))

    def __len__(self) -> int:
        return self.total

    @property
    def api(self) -> tuple[Call, ...]:
        """The calls to the Web API, oldest first."""
        return tuple(call for call in tuple(self.all) if call.family != "accounts")

    @property
    def total(self) -> int:
        """The number of calls to the Web API."""
        return len(self.api)

    @property
    def reads(self) -> int:
        """The number of Web API calls that only read."""
        return sum(not call.is_write for call in self.api)

    @property
    def writes(self) -> int:
        """The number of Web API calls that may write."""
        return sum(call.is_write for call in self.api)

    @property
    def removed(self) -> int:
        """The number of calls to endpoints that new Development Mode has removed."""
        return sum(call.is_removed_endpoint for call in self.api)

    @property
    def tokens(self) -> int:
        """The number of requests for a token."""
        return sum(call.template == "/api/token" for call in tuple(self.all))

    def count(self, method: str | None = None, template: str | None = None, status: int | None = None) -> int:
        """Return the number of calls with this method, endpoint template and status. See `matching`."""
        return len(self.matching(method, template, status))

    def matching(
        self, method: str | None = None, template: str | None = None, status: int | None = None
    ) -> list[Call]:
        """Return the calls with this method, endpoint (`/playlists/{id}/items`) and status, oldest first."""
        return [
            call
            for call in tuple(self.all)
            if method in (None, call.method)
            and template in (None, call.template)
            and status in (None, call.status)
        ]

    def count_by(self, attribute: str) -> dict[str, int]:
        """Return the number of Web API calls by `family`, `template`, `method` or `status`."""
        return dict(Counter(str(getattr(call, attribute)) for call in self.api))

    def summary(self) -> dict[str, Any]:
        """Return all totals as a JSON object."""
        return {
            "total": self.total,
            "reads": self.reads,
            "writes": self.writes,
            "removed_endpoints": self.removed,
            "rate_limited": sum(call.status == 429 for call in self.api),  # noqa: PLR2004
            "tokens": self.tokens,
            "by_family": self.count_by("family"),
            "by_endpoint": dict(Counter(f"{call.method} {call.template}" for call in self.api)),
            "by_status": self.count_by("status"),
        }

    def reset(self) -> None:
        """Forget all calls."""
        self.all.clear()
