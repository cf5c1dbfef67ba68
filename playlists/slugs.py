"""What a playlist may be called: the slug that names its model, its rule and its row in the registry."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from typing import TYPE_CHECKING, Any

import yaml

from profiles.dbt import DBT_PROJECT_DIR
from profiles.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

MODEL_PREFIX = "playlist_"
EXCLUSIONS = "exclusions"
"""Slug and name of the playlist of what must never appear in a smart playlist."""
LONGEST_STORED_SLUG = 60
SLUG_PATTERN = rf"^[a-z][a-z0-9_]{{0,{LONGEST_STORED_SLUG - 1}}}$"
LONGEST_SLUG = 42
"""Of a new playlist: dbt makes tables `playlist_<slug>__dbt_backup`, and a name has 63 bytes at most."""
HASH_LENGTH = 6
_SHARED_MODELS = {"selections", "definitions"}
"""`playlist_<this>` is a table of all playlists, not a playlist."""


class InvalidSlugError(InputError):
    """A name that no playlist can have (exit status 2)."""


def check_slug(slug: str) -> None:
    """Raise InvalidSlugError unless a playlist can be called so."""
    if not re.match(SLUG_PATTERN, slug):
        raise InvalidSlugError(
            f"'{slug}' is no slug.", remedy="Use lower-case letters, digits and underscores, a letter first."
        )
    if slug == EXCLUSIONS:
        raise InvalidSlugError(
            f"'{slug}' is the playlist of what must stay out.", remedy="Give the model another name."
        )


def check_new_slug(slug: str) -> None:
    """Raise InvalidSlugError unless a new playlist, and a model for it, can be called so."""
    check_slug(slug)
    if len(slug) > LONGEST_SLUG:
        raise InvalidSlugError(
            f"The slug '{slug}' has {len(slug)} characters: the names of its tables would be too long.",
            remedy=f"Give one of {LONGEST_SLUG} characters at most: --slug NAME.",
        )


def slug_of(title: str) -> str:
    """Return a slug for a title: `Très Chill!` becomes `tres_chill`.

    A long one is shortened and ends in a hash of the whole title, so that titles that begin alike have slugs
    of their own. Raises InvalidSlugError where no letter or digit is left.
    """
    slug = _starting_with_a_letter(_words_of(title))
    if len(slug) <= LONGEST_SLUG:
        return slug
    digest = hashlib.sha256(slug.encode()).hexdigest()[:HASH_LENGTH]
    return f"{slug[: LONGEST_SLUG - HASH_LENGTH - 1].rstrip('_')}_{digest}"


def unhashed_slug_of(title: str) -> str:
    """Return the slug that versions before the hash gave to a title: cut at 60 characters.

    They cut once more after a letter was put in front of a digit, so that it can end in an underscore.
    """
    words = _words_of(title)[:LONGEST_STORED_SLUG].strip("_")
    return _starting_with_a_letter(words)[:LONGEST_STORED_SLUG]


def listed_slugs(project: Path = DBT_PROJECT_DIR) -> set[str]:
    """Return the var ``playlists`` of the dbt project: the models that a build selects for."""
    settings: dict[str, Any] = yaml.safe_load((project / "dbt_project.yml").read_text(encoding="utf-8"))
    return set(settings.get("vars", {}).get("playlists", []))


def model_slugs(project: Path = DBT_PROJECT_DIR) -> set[str]:
    """Return the slugs that belong to models, listed or not, so that a rule cannot take one of them."""
    files = (project / "models").rglob(f"{MODEL_PREFIX}*.sql")
    return {
        *listed_slugs(project),
        *(file.stem.removeprefix(MODEL_PREFIX) for file in files),
    } - _SHARED_MODELS


def _words_of(title: str) -> str:
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
    words = re.sub(r"[^a-z0-9]+", "_", plain).strip("_")
    if not words:
        raise InvalidSlugError(f"'{title}' makes no slug.", remedy="Give one: --slug NAME.")
    return words


def _starting_with_a_letter(slug: str) -> str:
    return slug if slug[0].isalpha() else f"p_{slug}"
