"""All settings, typed. They are read once, from the environment and from `.env` in the repository root."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field, SecretStr, StringConstraints, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from profiles.errors import SettingsError

REPOSITORY = Path(__file__).resolve().parents[1]


def _address(value: str) -> str:
    if not value.startswith(("http://", "https://")):
        raise ValueError("must start with http:// or https://")
    return value.rstrip("/") + "/"


def _zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (KeyError, ValueError, OSError):
        raise ValueError("is no IANA time zone name such as Europe/Berlin") from None
    return value


def _folder(value: Path) -> Path:
    # relative to the repository, not to the current folder: dbt runs in dbt_project/
    return (REPOSITORY / value.expanduser()).resolve()


def _in_utc(value: datetime) -> datetime:
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


Address = Annotated[str, AfterValidator(_address)]
Market = Annotated[str, StringConstraints(strip_whitespace=True, to_upper=True, pattern=r"^[A-Za-z]{2}$")]


class Settings(BaseSettings):
    """All settings. Names are those of `.env.example` in lower case. An empty value counts as unset."""

    model_config = SettingsConfigDict(
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
        hide_input_in_errors=True,
        str_strip_whitespace=True,
    )

    spotify_client_id: str | None = None
    spotify_client_secret: SecretStr | None = None
    spotify_refresh_token: SecretStr | None = None
    spotify_redirect_uri: str = "http://127.0.0.1:8888/callback"
    spotify_market: Market | None = None
    spotify_api_url: Address = "https://api.spotify.com/v1/"
    spotify_accounts_url: Address = "https://accounts.spotify.com/"
    spotify_pacing_s: float = Field(default=0.1, ge=0, le=10)
    spotify_backoff_s: float = Field(default=0.5, ge=0, le=10)
    # Spotify publishes neither number: others met these limits in 2026, per family and rolling 24 hours
    spotify_quota_per_day: int = Field(default=600, ge=1)
    spotify_artist_albums_quota_per_day: int = Field(default=100, ge=1)
    # our own budgets for looking up single tracks, artists and artists' albums
    spotify_tracks_per_day: int = Field(default=50, ge=0)
    spotify_artists_per_day: int = Field(default=50, ge=0)
    spotify_artist_albums_per_day: int = Field(default=20, ge=0)

    db_host: str | None = None
    db_port: int = Field(default=5432, ge=1, le=65535)
    db_name: str = "tracker"
    db_user: str = "postgres"
    db_password: SecretStr | None = None
    db_sslmode: Literal["disable", "allow", "prefer", "require", "verify-ca", "verify-full"] = "prefer"

    tracker_timezone: Annotated[str, AfterValidator(_zone)] = "UTC"
    tracker_home: Annotated[Path, AfterValidator(_folder)] = REPOSITORY / ".local"
    tracker_secret_key: SecretStr | None = None
    tracker_import_url: SecretStr | None = None
    tracker_poll_seconds: int = Field(default=600, ge=1)
    tracker_ui_port: int = Field(default=4200, ge=1, le=65535)
    tracker_as_of: Annotated[datetime, AfterValidator(_in_utc)] | None = None

    prefect_api_url: str = "http://127.0.0.1:4200/api"

    def secrets(self) -> list[str]:
        """Return every secret value, so that logs can hide them."""
        fields = (getattr(self, name) for name in type(self).model_fields)
        return [value.get_secret_value() for value in fields if isinstance(value, SecretStr)]


def load_settings() -> Settings:
    """Read the environment and the `.env` file, or the file that `TRACKER_ENV_FILE` names.

    Raises SettingsError, which names each wrong setting and never shows its value.
    """
    env_file = os.environ.get("TRACKER_ENV_FILE") or REPOSITORY / ".env"
    try:
        return Settings(_env_file=env_file)
    except ValidationError as error:
        found = error.errors(include_input=False, include_url=False)
        wrong = "; ".join(f"{str(each['loc'][0]).upper()}: {each['msg']}" for each in found)
        raise SettingsError(
            f"Settings are wrong: {wrong}.",
            remedy="Correct them in the environment or in .env (see .env.example).",
        ) from None


def require_spotify_app(settings: Settings) -> str:
    """Return the client id. Raises SettingsError if none is set."""
    if settings.spotify_client_id is None:
        raise SettingsError(
            "SPOTIFY_CLIENT_ID is not set.",
            remedy="Create an app at https://developer.spotify.com/dashboard; put id and secret into .env.",
        )
    return settings.spotify_client_id
