"""Types of parameters: each becomes a field of the form in the UI and an option in the terminal."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import Field, StringConstraints

Slug = Annotated[
    str,
    StringConstraints(strip_whitespace=True, pattern=r"^[a-z][a-z0-9_]*$"),
    Field(examples=["never_played"], description="A playlist's short name, e.g. never_played."),
]


class Push(StrEnum):
    """What happens to the playlists on Spotify."""

    APPLY = "apply"
    PREVIEW = "preview"
    NO = "no"
