"""The request bodies of the controls, one model per command. An invalid body raises `ValidationError`."""

import json
import re
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Annotated, Any, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
)

from sandbox.account.account import real_now
from sandbox.account.export import ExportKind, Quirks
from sandbox.account.ids import split_uri
from sandbox.account.model import ALL_SCOPES, Options
from sandbox.control.faults import FaultKind

EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)
LATEST = datetime(2200, 1, 1, tzinfo=UTC)
HOURS_AT_ONCE = 24 * 366 * 30
DAYS_AT_ONCE = 366 * 30
LONGEST_WAIT_S = 3_600.0
MS_PER_DAY = 86_400_000
LOCAL_URI = re.compile(r"spotify:local(:[^:]*){3}:[0-9]{1,6}")


def read_moment(content: Any) -> datetime:
    """Return a time from ISO 8601 (UTC if it has no offset) or from `now`, the real time.

    Raises ValueError.
    """
    if content == "now":
        return real_now()
    if not isinstance(content, str):
        raise ValueError("no time")  # noqa: TRY004  pydantic turns a ValueError into its own error
    moment = datetime.fromisoformat(content)
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    if not EARLIEST <= moment <= LATEST:
        raise ValueError(f"{content} lies before {EARLIEST.year} or after {LATEST.year}")
    return moment


def read_playlist_uri(uri: str) -> str:
    """Return a uri that a playlist may hold. Raises ValueError for any other."""
    pair = split_uri(uri)
    if LOCAL_URI.fullmatch(uri) is None and (pair is None or pair[0] not in ("track", "episode")):
        raise ValueError(f"{uri} names no track, no episode and no local file")
    return uri


def read_status(status: int) -> int:
    """Return a status that HTTP knows. Raises ValueError for any other."""
    return HTTPStatus(status).value


Moment = Annotated[datetime, BeforeValidator(read_moment)]
PlaylistUri = Annotated[str, AfterValidator(read_playlist_uri)]
Status = Annotated[int, AfterValidator(read_status)]


class Form(BaseModel):
    """A request body. Types must match exactly, and numbers must be finite."""

    model_config = ConfigDict(strict=True, allow_inf_nan=False)

    @classmethod
    def read(cls, body: Mapping[str, Any]) -> Self:
        """Return the form made from a JSON object. Raises ValidationError."""
        return cls.model_validate_json(json.dumps(dict(body)))


class EditForm(Form):
    """An edit made as the user. Each action uses the fields that it needs."""

    track_id: str | None = None
    album_id: str | None = None
    playlist_id: str | None = None
    uri: PlaylistUri | None = None
    name: str = "untitled"
    uris: list[PlaylistUri | None] | None = None
    ms_played: int | None = Field(None, ge=0, le=MS_PER_DAY)
    at: Moment | None = None
    visible_at: Moment | None = None


class AdvanceForm(Form):
    """How far to move time. `until` wins over `hours`."""

    hours: float = Field(1.0, le=HOURS_AT_ONCE)
    until: Moment | None = None


class FaultForm(Form):
    """A fault to set. The fields are those of `sandbox.control.faults.Fault`."""

    model_config = ConfigDict(extra="forbid")

    kind: FaultKind
    method: str = "*"
    path: str = "*"
    nth: int = 1
    times: int | None = 1
    retry_after: int | None = None
    status: Status | None = None
    message: str | None = None
    is_text: bool = False
    delay_s: float = Field(120.0, ge=0, le=LONGEST_WAIT_S)


class TokenForm(Form):
    """A refresh token to issue."""

    scope: str = ALL_SCOPES
    age_days: float = Field(0.0, ge=0, le=DAYS_AT_ONCE)


class ExportForm(Form):
    """An export to write.

    `quirks` is true for the usual ones, false for none, or an object with their shares.
    """

    path: str
    kind: ExportKind = "extended"
    since: Moment | None = None
    until: Moment | None = None
    quirks: bool | Quirks = True
    seed: int = 1


class WaitForm(Form):
    """How many seconds to wait for a call to hang."""

    wait: float = Field(0.0, ge=0, le=LONGEST_WAIT_S, strict=False)


def changed_options(options: Options, changes: Mapping[str, Any]) -> Options:
    """Return the options with some of them changed.

    Raises ValueError for an unknown name or a wrong value.
    """
    present = asdict(options)
    if unknown := sorted(set(changes) - set(present)):
        raise ValueError(f"unknown {unknown}")
    return TypeAdapter(Options).validate_json(json.dumps({**present, **changes}), strict=True)


def explain(error: ValueError) -> str:
    """Return in one line what is wrong with a request."""
    if not isinstance(error, ValidationError):
        return str(error)
    return "; ".join(
        f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors(include_url=False)
    )
