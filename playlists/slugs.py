"""Which slugs belong to models: read from the dbt project, so that a rule cannot take one of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import yaml

from profiles.dbt import DBT_PROJECT_DIR

if TYPE_CHECKING:
    from pathlib import Path

PREFIX = "playlist_"


def model_slugs(project: Path = DBT_PROJECT_DIR) -> set[str]:
    """Slugs of the playlist models: those of the var ``playlists``, and every file of that name."""
    settings: dict[str, Any] = yaml.safe_load((project / "dbt_project.yml").read_text(encoding="utf-8"))
    listed = settings.get("vars", {}).get("playlists", [])
    files = (project / "models").rglob(f"{PREFIX}*.sql")
    return {*listed, *(file.stem.removeprefix(PREFIX) for file in files)} - {"selections", "definitions"}
