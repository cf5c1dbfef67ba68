"""The ``meta.playlist`` block: how a playlist is cut, ordered and kept on Spotify.

It is declared here once: the blocks of models, stored rules and the forms in the UI are all checked by it.
Every message says what is wrong and what would be right, since its readers write YAML, or fill in a form.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from playlists.slugs import check_slug
from profiles.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable

MAX_TRACKS = 10_000
"""What a Spotify playlist holds."""
PLAYLIST_ID = re.compile(r"[A-Za-z0-9]{22}")

Mode = Literal["mirror", "append", "freeze"]

# the upper bound is what dbt may add up in PostgreSQL's integers
PositiveInt = Annotated[int, Field(ge=1, le=1_000_000, strict=True)]
Flag = Annotated[bool, Field(strict=True)]

_COLUMN = r"[a-z_][a-z0-9_]*"
_ORDER_ITEM = re.compile(
    rf"^(random|weighted\( ?{_COLUMN} ?\)|{_COLUMN}(\s+(asc|desc))?(\s+nulls\s+(first|last))?)$"
)
_SEED = re.compile(r"^(none|day|week|month|fixed:.+)$")


class _Strict(BaseModel):
    """Refuses unknown keys: a misspelled one that was ignored would give a wrong playlist without a word."""

    # the docstrings below the fields are what the forms in the UI say of them
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, use_attribute_docstrings=True)


class Limit(_Strict):
    """At most so many tracks and so many minutes; null means no cap, though never over 10,000 tracks."""

    tracks: Annotated[int, Field(ge=1, le=MAX_TRACKS, strict=True)] | None = None
    """At most so many tracks."""
    minutes: Annotated[float, Field(gt=0, strict=True)] | None = None
    """At most so many minutes: it ends before the first track that would go over."""


class Requires(_Strict):
    """What must be known before the playlist is pushed."""

    history_days: Annotated[float, Field(ge=0, strict=True)] = 0
    """Days of listening that must be known, by half at least: without them it is not pushed."""
    max_source_age_hours: Annotated[float, Field(gt=0, strict=True)] | None = 36
    """Age of the last complete look at Spotify, not of the last change; null means any."""


class BlockOptions(_Strict):
    """How a selection is cut, ordered and kept on Spotify: the block without its title."""

    description: Annotated[str, Field(max_length=180)] = ""
    """Shown on Spotify, before the mark that makes the playlist ours."""
    enabled: Flag = True
    """Whether it is kept up to date from the start; pausing and resuming it win later."""
    limit: Limit = Limit()
    """How long it gets."""
    per_artist: PositiveInt | None = None
    """At most so many tracks of one artist."""
    per_album: PositiveInt | None = None
    """At most so many tracks of one album."""
    select_by: tuple[str, ...] = ()
    """Who gets in: columns, each with asc or desc and nulls first or last."""
    order_by: tuple[str, ...] = ()
    """How it plays: columns, ``random`` or ``weighted(<column>)``; empty means as selected."""
    round_robin: Literal["artist", "album"] | None = None
    """Take turns: one track of each artist or album, then the second ones."""
    seed: str = "none"
    """When a random order changes: none (one constant order), day, week, month or fixed:<n>."""
    artist_separation: Annotated[int, Field(ge=0, le=10_000, strict=True)] = 0
    """So many tracks of others between two of one artist, where that is possible."""
    include_unavailable: Flag = False
    """Also what cannot be played in your market; what is not known is always kept."""
    include_excluded: Flag = False
    """Also what stands in the exclusions playlist."""
    dedupe_recordings: Flag = True
    """One edition of each recording alone."""
    mode: Mode = "mirror"
    """mirror: as selected, always; append: only add, your own additions stay; freeze: filled once."""
    on_empty: Literal["keep", "clear", "fail"] = "keep"
    """When nothing is selected any more: the playlist keeps what it has, is emptied, or the run fails."""
    max_churn: Annotated[float, Field(ge=0, le=1, strict=True)] | None = None
    """Refuse a push that changes more than this share of the list, unless forced."""
    requires: Requires = Requires()
    """What must be known before it is pushed."""
    reads_playlists: tuple[str, ...] = ()
    """Ids of the user's playlists that the rule looks into."""
    public: Flag = False
    """Asked of Spotify, which does not always honour it."""
    max_edit_calls: PositiveInt = 25
    """Above so many calls, and where that is cheaper, all entries are replaced and lose their dates."""

    @field_validator("description")
    @classmethod
    def _is_one_line(cls, description: str) -> str:
        # Spotify answers 400 to a description with line breaks
        return " ".join(description.split())

    @field_validator("limit", mode="before")
    @classmethod
    def _no_limit(cls, value: Any) -> Any:
        return Limit() if value is None else value

    @field_validator("select_by", "order_by", mode="before")
    @classmethod
    def _one_or_many(cls, value: Any) -> Any:
        if value is None:
            return ()
        return (value,) if isinstance(value, str) else value

    @field_validator("select_by", "order_by")
    @classmethod
    def _known_order(cls, items: tuple[str, ...]) -> tuple[str, ...]:
        normal = tuple(" ".join(item.lower().split()) for item in items)
        for item in normal:
            if not _ORDER_ITEM.match(item):
                raise ValueError(
                    f"'{item}' is no order; write a column such as 'last_played_at asc nulls first', "
                    "'random' or 'weighted(play_count)'"
                )
        return normal

    @field_validator("seed", mode="before")
    @classmethod
    def _known_seed(cls, value: Any) -> Any:
        # YAML reads an unquoted `none` as text, but `null` and `~` as nothing: both mean one constant order
        seed = "none" if value is None else str(value)
        if not _SEED.match(seed):
            raise ValueError(f"'{seed}' is no seed; write none, day, week, month or fixed:<anything>")
        return seed

    @field_validator("reads_playlists")
    @classmethod
    def _playlist_ids(cls, ids: tuple[str, ...]) -> tuple[str, ...]:
        for playlist_id in ids:
            if not PLAYLIST_ID.fullmatch(playlist_id):
                raise ValueError(
                    f"'{playlist_id}' is no playlist id; take the 22 letters and digits "
                    "from the link in 'Share → Copy link to playlist'"
                )
        return ids

    @model_validator(mode="after")
    def _append_never_clears(self) -> Self:
        if self.mode == "append" and self.on_empty == "clear":
            raise ValueError("mode 'append' never removes, so on_empty 'clear' cannot hold; write 'keep'")
        return self


class PlaylistBlock(BlockOptions):
    """The whole ``meta.playlist`` block."""

    title: Annotated[str, Field(min_length=1, max_length=100)]
    """Its name on Spotify."""

    @field_validator("title")
    @classmethod
    def _has_a_visible_title(cls, title: str) -> str:
        if not title.strip():
            raise ValueError("is blank; give the playlist a name")
        return title.strip()


class InvalidBlockError(InputError):
    """A ``meta.playlist`` block that cannot be used, with the remedy for each wrong key (exit status 2)."""


def read_block(slug: str, block: Any) -> PlaylistBlock:
    """Validate one block; `InvalidBlockError` names the playlist, each key and what it may hold.

    Raises InvalidSlugError where the slug itself is impossible.
    """
    check_slug(slug)
    try:
        return PlaylistBlock.model_validate(block)
    except ValidationError as error:
        problems = "; ".join(problem_in_words(problem) for problem in error.errors(include_url=False))
        raise InvalidBlockError(
            f"The playlist block of '{slug}' is not valid: {problems}.",
            remedy=f"Correct it in dbt_project/models/marts/playlists/playlist_{slug}.sql and build again.",
        ) from error


def problem_in_words(problem: Any, known: Iterable[str] = PlaylistBlock.model_fields) -> str:
    """Say of one of Pydantic's errors which key it is about. `known` are the keys that there are."""
    key = ".".join(str(part) for part in problem["loc"]) or "the block"
    if problem["type"] == "extra_forbidden":
        return f"'{key}' is not known (known are {', '.join(known)})"
    if problem["type"] == "missing":
        return f"'{key}' is missing"
    return f"'{key}': {str(problem['msg']).removeprefix('Value error, ')} (got {problem['input']!r})"
