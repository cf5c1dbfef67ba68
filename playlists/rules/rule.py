"""The ``meta.playlist`` block, declared once: what the form, the stored rule and the manifest are checked by.

A stored rule is one JSON object: the keys of a rule (``match``, ``not``, ``conditions``: see
``playlists/rules/language.py``) beside those of the block. Every message says what is wrong and what would be
right, since its readers write YAML or JSON, or fill in a form.
"""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from playlists.rules.fields import FIELDS, suggestion
from playlists.rules.language import MOST_CONDITIONS, MOST_LEVELS, Group, levels_of
from playlists.rules.values import checked_text
from profiles.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Iterable

MAX_TRACKS = 10_000
"""What a Spotify playlist holds."""

LONGEST_STORED_SLUG = 60
SLUG_PATTERN = rf"^[a-z][a-z0-9_]{{0,{LONGEST_STORED_SLUG - 1}}}$"
LONGEST_SLUG = 42
"""Of a new playlist: dbt makes tables `playlist_<slug>__dbt_backup`, and a name has 63 bytes at most."""
RESERVED_SLUGS = frozenset({"exclusions"})
Slug = Annotated[str, Field(pattern=SLUG_PATTERN)]

LONGEST_RULE = 100_000
"""Bytes of a stored rule: `preview` hands it to dbt in an environment variable, which takes 128 KB."""

# the upper bound is what dbt may add up in PostgreSQL's integers
PositiveInt = Annotated[int, Field(ge=1, le=1_000_000, strict=True)]
Flag = Annotated[bool, Field(strict=True)]

ORDERABLE = [name for name, kind in FIELDS.items() if kind != "list"]

_COLUMN = r"[a-z_][a-z0-9_]*"
_ORDER_ITEM = re.compile(
    rf"^(random|weighted\( ?{_COLUMN} ?\)|{_COLUMN}(\s+(asc|desc))?(\s+nulls\s+(first|last))?)$"
)
_SEED = re.compile(r"^(none|day|week|month|fixed:.+)$")
_PLAYLIST_ID = re.compile(r"^[A-Za-z0-9]{22}$")


class _Strict(BaseModel):
    """An unknown key is a typing error: silently ignored it would give a silently wrong playlist."""

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
    mode: Literal["mirror", "append", "freeze"] = "mirror"
    """mirror: as selected, always; append: only add, your own additions stay; freeze: filled once."""
    on_empty: Literal["keep", "clear", "fail"] = "keep"
    """What happens when nothing is selected any more: it keeps what it has, is emptied, or the run fails."""
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
            if not _PLAYLIST_ID.match(playlist_id):
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


class InvalidBlockError(SettingsError):
    """A ``meta.playlist`` block that cannot be used, with the remedy for each wrong key (exit status 2)."""


class InvalidRuleError(SettingsError):
    """A rule that cannot be used, with the remedy for each wrong part (exit status 2)."""


@dataclass(frozen=True, slots=True)
class Rule:
    """What a playlist without a model is made of: which tracks, and how they are cut, ordered and kept."""

    group: Group
    block: PlaylistBlock

    def as_json(self) -> dict[str, Any]:
        """The one object that is stored: the block's keys, all of them, beside those of the group."""
        return {**self.block.model_dump(mode="json"), **self.group.as_json()}

    def for_compiler(self) -> dict[str, Any]:
        """What the macro ``rule_in_question`` reads."""
        return {"rule": self.group.as_json(), "block": self.block.model_dump(mode="json")}


def read_rule(document: Any) -> Rule:
    """Validate one rule; `InvalidRuleError` says of each wrong part where it is and what would be right."""
    if not isinstance(document, dict):
        raise InvalidRuleError(
            "A rule is one JSON object.", remedy='Write {"title": …, "match": "all", "conditions": [{…}]}.'
        )
    if levels_of(document) > MOST_LEVELS:
        raise InvalidRuleError(
            f"Groups are nested more than {MOST_LEVELS} deep.", remedy="Take some groups out."
        )
    rule_keys = {key: document[key] for key in ("match", "not", "conditions") if key in document}
    block_keys = {key: document[key] for key in document if key not in (*rule_keys, "slug")}
    problems: list[str] = []
    group = block = None
    try:
        group = Group.model_validate(rule_keys)
    except ValidationError as error:
        problems += [_in_rule_words(problem) for problem in error.errors(include_url=False)]
    try:
        block = PlaylistBlock.model_validate(block_keys)
        problems += _unfit_for_a_rule(block)
    except ValidationError as error:
        known = (*PlaylistBlock.model_fields, "match", "not", "conditions", "slug")
        problems += [_in_words(problem, known) for problem in error.errors(include_url=False)]
    if group is not None and sum(1 for _ in group.leaves()) > MOST_CONDITIONS:
        problems.append(f"it has more than {MOST_CONDITIONS} conditions; use 'in' with a list, or a playlist")
    if problems or group is None or block is None:
        raise InvalidRuleError(
            f"The rule is not valid: {'; '.join(problems)}.", remedy="Correct it; nothing was changed."
        )
    rule = Rule(group, block)
    if len(json.dumps(rule.as_json())) > LONGEST_RULE:
        raise InvalidRuleError(
            "The rule is too long.", remedy="Put the tracks into a playlist of yours, and use 'in playlist'."
        )
    return rule


def check_slug(slug: str) -> None:
    """Raise InvalidBlockError unless a playlist can be called so."""
    if not re.match(SLUG_PATTERN, slug):
        raise InvalidBlockError(
            f"'{slug}' is no slug.", remedy="Use lower-case letters, digits and underscores, a letter first."
        )
    if slug in RESERVED_SLUGS:
        raise InvalidBlockError(
            f"'{slug}' is the playlist of what must stay out.", remedy="Give the model another name."
        )


def slug_of(title: str) -> str:
    """A slug for a title: `Très Chill!` becomes `tres_chill`. Raises InvalidRuleError where none is left.

    A long one is shortened, and ends in a hash of the whole: titles that begin alike have slugs of their own.
    """
    slug = full_slug_of(title)
    if len(slug) <= LONGEST_SLUG:
        return slug
    digest = hashlib.sha256(slug.encode()).hexdigest()[:6]
    return f"{slug[: LONGEST_SLUG - 7].rstrip('_')}_{digest}"


def full_slug_of(title: str) -> str:
    """A slug as long as the title. Raises InvalidRuleError where no letter or digit is left."""
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
    slug = re.sub(r"[^a-z0-9]+", "_", plain).strip("_")
    if not slug:
        raise InvalidRuleError(f"'{title}' makes no slug.", remedy="Give one: --slug NAME.")
    return slug if slug[0].isalpha() else f"p_{slug}"


def check_new_slug(slug: str) -> None:
    """Raise InvalidBlockError unless a new playlist, and a model for it, can be called so."""
    check_slug(slug)
    if len(slug) > LONGEST_SLUG:
        raise InvalidBlockError(
            f"The slug '{slug}' has {len(slug)} characters: the names of its tables would be too long.",
            remedy=f"Give one of {LONGEST_SLUG} characters at most: --slug NAME.",
        )


def read_block(slug: str, block: Any) -> PlaylistBlock:
    """Validate one block; `InvalidBlockError` names the playlist, each key and what it may hold."""
    check_slug(slug)
    try:
        return PlaylistBlock.model_validate(block)
    except ValidationError as error:
        problems = "; ".join(_in_words(problem) for problem in error.errors(include_url=False))
        raise InvalidBlockError(
            f"The playlist block of '{slug}' is not valid: {problems}.",
            remedy=f"Correct it in dbt_project/models/marts/playlists/playlist_{slug}.sql and build again.",
        ) from error


def _unfit_for_a_rule(block: PlaylistBlock) -> list[str]:
    """A model may order by columns of its own; a rule has those of unified_tracks alone."""
    problems = []
    for key in ("select_by", "order_by"):
        for term in getattr(block, key):
            column = re.sub(r"^weighted\( ?([a-z0-9_]+) ?\)$", r"\1", term).split()[0]
            if column == "random":
                continue
            if column not in FIELDS or FIELDS[column] == "list":
                problems.append(f"'{key}': cannot order by '{column}'; {suggestion(column, ORDERABLE)}")
            elif term.startswith("weighted") and FIELDS[column] != "number":
                problems.append(f"'{key}': {column} is no number, so it cannot be a weight")
    for key in ("title", "description", "seed"):
        try:
            checked_text(getattr(block, key) or "-")
        except ValueError as error:
            problems.append(f"'{key}': {error}")
    return problems


def _in_rule_words(problem: Any) -> str:
    steps = [step for step in problem["loc"] if step not in ("group", "condition")]
    place = "".join(f"[{step + 1}]" if isinstance(step, int) else f".{step}" for step in steps).lstrip(".")
    if problem["type"] == "missing":
        return f'{place or "the rule"}: is missing; write {{"field": …, "operator": …, "value": …}}'
    if problem["type"] == "extra_forbidden":
        return (
            f"{place}: is not known; a condition has field, operator, value, a group match, not, conditions"
        )
    return f"{place}: {str(problem['msg']).removeprefix('Value error, ')}"


def _in_words(problem: Any, known: Iterable[str] = PlaylistBlock.model_fields) -> str:
    key = ".".join(str(part) for part in problem["loc"]) or "the block"
    if problem["type"] == "extra_forbidden":
        return f"'{key}' is not known (known are {', '.join(known)})"
    if problem["type"] == "missing":
        return f"'{key}' is missing"
    return f"'{key}': {str(problem['msg']).removeprefix('Value error, ')} (got {problem['input']!r})"
