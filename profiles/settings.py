"""All settings, typed. They are read once: from the environment, a folder of secrets, and `.env` files."""

from __future__ import annotations

import hashlib
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field, SecretStr, StringConstraints, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from profiles.errors import SettingsError

if TYPE_CHECKING:
    from pydantic_settings import PydanticBaseSettingsSource

REPOSITORY = Path(__file__).resolve().parents[1]
ENV_FILE = "TRACKER_ENV_FILE"
SECRETS_FOLDER = "TRACKER_SECRETS_DIR"
LOOPBACK = "127.0.0.1"
LOOPBACK_NAMES = (LOOPBACK, "localhost")


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


def _host(value: str) -> str:
    if "/" in value or " " in value:
        raise ValueError("is no address of this machine, such as 0.0.0.0 or 192.168.1.5")
    return value.strip("[]")


def _in_utc(value: datetime) -> datetime:
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def _country(value: str) -> str:
    if len(value) != 2 or not (value.isascii() and value.isalpha()):  # noqa: PLR2004  # ISO 3166-1 alpha-2
        raise ValueError("is no country code of two letters, such as GB or DE")
    return value.upper()


Address = Annotated[str, AfterValidator(_address)]
Folder = Annotated[Path, AfterValidator(_folder)]
Market = Annotated[str, AfterValidator(_country)]


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
    tracker_home: Folder = REPOSITORY / ".local"
    tracker_backup_dir: Folder | None = None
    tracker_secret_key: SecretStr | None = None
    tracker_import_url: SecretStr | None = None
    tracker_poll_seconds: int = Field(default=600, ge=1)
    tracker_ui_host: Annotated[str, AfterValidator(_host)] = LOOPBACK
    tracker_notify_block: Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]+/[a-z0-9-]+$")] | None = None
    tracker_ui_port: int = Field(default=4200, ge=1, le=65535)
    tracker_as_of: Annotated[datetime, AfterValidator(_in_utc)] | None = None

    prefect_api_url: str = "http://127.0.0.1:4200/api"
    prefect_server_api_auth_string: SecretStr | None = None

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003  # pydantic-settings' signature
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Let a file of the folder of secrets win over `.env`, as the variable would that it stands for."""
        return init_settings, env_settings, file_secret_settings, dotenv_settings

    @property
    def label(self) -> str:
        """A name for files outside TRACKER_HOME that no other home of this user has."""
        return f"spotify-tracker-{hashlib.sha256(os.fsencode(self.tracker_home)).hexdigest()[:8]}"

    def secrets(self) -> list[str]:
        """Return every secret value, so that logs can hide them."""
        fields = (getattr(self, name) for name in type(self).model_fields)
        return [value.get_secret_value() for value in fields if isinstance(value, SecretStr)]


def load_settings() -> Settings:
    """Read the environment, the secrets' folder and the `.env` of the repository, then that of TRACKER_HOME.

    What is named first wins, except that the `.env` of TRACKER_HOME wins over the repository's.
    `TRACKER_ENV_FILE` names one file that is read instead of both, `TRACKER_SECRETS_DIR` a folder with one
    file per secret setting, as Docker and systemd hand them over. Raises SettingsError, which names each
    wrong setting and never shows its value.
    """
    settings = _read(env_files()[:1])
    files = env_files(settings.tracker_home)
    return settings if len(files) == 1 else _read(files)


def env_files(home: Path | None = None) -> tuple[Path, ...]:
    """Return the `.env` files that are read; a later one wins. With a home its own belongs to them."""
    named = os.environ.get(ENV_FILE)
    if named:
        return (Path(named),)
    own = () if home is None or not (home / ".env").exists() else (home / ".env",)
    return (REPOSITORY / ".env", *own)


def secret_variables() -> frozenset[str]:
    """Return the names of the environment variables whose values are secret: the type says so."""
    fields = Settings.model_fields.items()
    return frozenset(name.upper() for name, field in fields if "SecretStr" in str(field.annotation))


def _read(files: tuple[Path, ...]) -> Settings:
    folder = os.environ.get(SECRETS_FOLDER)
    if folder and not Path(folder).is_dir():
        raise SettingsError(
            f"{SECRETS_FOLDER} names no folder: {folder}.", remedy="Correct it, or take it out."
        )
    try:
        return Settings(_env_file=files, _secrets_dir=folder or None)
    except ValidationError as error:
        found = error.errors(include_input=False, include_url=False)
        wrong = "; ".join(f"{str(each['loc'][0]).upper()}: {_said(each['msg'])}" for each in found)
        raise SettingsError(
            f"Settings are wrong: {wrong}.",
            remedy="Correct them in the environment or in .env (see .env.example).",
        ) from None
    except UnicodeDecodeError:
        raise SettingsError(
            f"{_undecodable(files)} is not encoded in UTF-8.",
            remedy="Save it as UTF-8 in your editor; on Windows, Notepad offers it under Save As.",
        ) from None
    except OSError as error:
        raise SettingsError(
            f"{error.filename} cannot be read ({error.strerror}).", remedy="Let your user read it."
        ) from None


def _said(message: str) -> str:
    return message.removeprefix("Value error, ")


def _undecodable(files: tuple[Path, ...]) -> Path:
    for file in files:
        try:
            file.read_text(encoding="utf-8")
        except OSError:
            continue
        except UnicodeDecodeError:
            return file
    return files[-1]


def require_spotify_app(settings: Settings) -> str:
    """Return the client id. Raises SettingsError if none is set."""
    if settings.spotify_client_id is None:
        raise SettingsError(
            "SPOTIFY_CLIENT_ID is not set.",
            remedy="Create an app at https://developer.spotify.com/dashboard; put id and secret into .env.",
        )
    return settings.spotify_client_id
