"""Accounting of every call: what a client has cost, and whether it used what no longer exists."""

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
    """One call; `path` is below /v1. `status` None: no answer was sent (dropped, hung, still under way)."""

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
        """Whether the method changes something."""
        return self.method not in READS

    def as_json(self) -> dict[str, Any]:
        """The call as a JSON object."""
        return {**asdict(self), "called_at": self.called_at.isoformat()}


@dataclass
class Accounting:
    """All calls since the last reset; the counts leave the accounts service (login, tokens) out."""

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
        """How many calls to the Web API."""
        return len(self.api)

    @property
    def reads(self) -> int:
        """How many of them only read."""
        return sum(not call.is_write for call in self.api)

    @property
    def writes(self) -> int:
        """How many of them were writes."""
        return sum(call.is_write for call in self.api)

    @property
    def removed(self) -> int:
        """How many went to an endpoint that new Development Mode has removed."""
        return sum(call.is_removed_endpoint for call in self.api)

    @property
    def tokens(self) -> int:
        """How many requests for a token."""
        return sum(call.template == "/api/token" for call in tuple(self.all))

    def count(self, method: str | None = None, template: str | None = None, status: int | None = None) -> int:
        """Calls with this method, endpoint template (`/playlists/{id}/items`) and status."""
        return len(self.matching(method, template, status))

    def matching(
        self, method: str | None = None, template: str | None = None, status: int | None = None
    ) -> list[Call]:
        """The calls with this method, endpoint template and status, oldest first."""
        return [
            call
            for call in tuple(self.all)
            if method in (None, call.method)
            and template in (None, call.template)
            and status in (None, call.status)
        ]

    def by(self, attribute: str) -> dict[str, int]:
        """Web API calls counted by `family`, `template`, `method` or `status`."""
        return dict(Counter(str(getattr(call, attribute)) for call in self.api))

    def summary(self) -> dict[str, Any]:
        """All totals as a JSON object."""
        return {
            "total": self.total,
            "reads": self.reads,
            "writes": self.writes,
            "removed_endpoints": self.removed,
            "rate_limited": sum(call.status == 429 for call in self.api),  # noqa: PLR2004
            "tokens": self.tokens,
            "by_family": self.by("family"),
            "by_endpoint": dict(Counter(f"{call.method} {call.template}" for call in self.api)),
            "by_status": self.by("status"),
        }

    def reset(self) -> None:
        """Forget them all."""
        self.all.clear()
