"""A stored rule written out as a model: SQL, YAML and a line in the list; the stored rule is then retired."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from playlists.rules import stored_rules
from playlists.rules.rule import read_rule
from playlists.slugs import LONGEST_SLUG, MODEL_PREFIX, model_slugs
from profiles import dbt
from profiles.errors import TrackerError

if TYPE_CHECKING:
    from playlists.rules.rule import Rule
    from profiles.session import Session

FOLDER = Path("models/marts/playlists")
_LIST = re.compile(r"^( *)playlists:\n((?:\1  +[-#] .*\n)+)", re.MULTILINE)
COLUMNS = (
    ("position", "integer", False),
    ("track_id", "text", True),
    ("track_uri", "text", True),
    ("recording_id", "text", True),
    ("title", "text", False),
    ("artist", "text", False),
)


@dataclass(frozen=True, slots=True)
class Ejected:
    """What was written."""

    slug: str
    files: tuple[Path, ...]


def eject(session: Session, slug: str, *, project: Path = dbt.DBT_PROJECT_DIR) -> Ejected:
    """Write a rule out as a model, see that dbt parses it, and retire the stored rule.

    The playlist on Spotify stays the same: it goes by its slug. Raises UnknownRuleError, TrackerError where
    dbt does not take the model; the files are then as before, and the rule is still kept in the database.
    """
    rule = read_rule(stored_rules.load(session.database, slug).document)
    if len(slug) > LONGEST_SLUG:
        raise TrackerError(
            f"The slug '{slug}' is too long for a model: PostgreSQL would cut the names of its tables.",
            remedy="It goes on as a stored rule. For a model, make the rule anew with a shorter slug:"
            " `tracker playlists new --rule FILE --slug NAME`.",
        )
    listing = project / "dbt_project.yml"
    before = listing.read_text(encoding="utf-8")
    query, properties = (project / FOLDER / f"{MODEL_PREFIX}{slug}{end}" for end in (".sql", ".yml"))
    if slug in model_slugs(project):
        raise TrackerError(f"A model is called '{slug}' already.", remedy=f"See {query}.")
    after, count = _LIST.subn(lambda found: f"{found.group(0)}{found.group(1)}  - {slug}\n", before, count=1)
    if not count:
        raise TrackerError(
            f"The list of playlists was not found in {listing}.", remedy="Restore the var playlists in it."
        )
    try:
        query.write_text(model_text(rule), encoding="utf-8")
        properties.write_text(properties_text(slug, rule), encoding="utf-8")
        listing.write_text(after, encoding="utf-8")
        dbt.output_of(
            ["--quiet", "parse"], session.settings, session.database, {"DBT_PROJECT_DIR": str(project)}
        )
    except BaseException:
        listing.write_text(before, encoding="utf-8")
        query.unlink(missing_ok=True)
        properties.unlink(missing_ok=True)
        raise
    stored_rules.retire(session.database, slug, f"ejected to {query.name}")
    return Ejected(slug, (query, properties, listing))


def model_text(rule: Rule) -> str:
    """The model's SQL: its block, its rule, and the two macros that every stored rule is compiled with."""
    block = rule.block.model_dump(mode="json", exclude_defaults=True)
    block = {"title": block.pop("title"), **block}
    return "\n".join(
        [
            f"{{%- set playlist = {jinja(block)} -%}}",
            "",
            "{#- or write SQL in its place: any condition on the columns of unified_tracks -#}",
            f"{{%- set rule = {jinja(rule.group.as_json())} -%}}",
            "",
            "{{ config(meta={'playlist': playlist}) }}",
            "",
            "with",
            "",
            "candidates as (",
            "    select *",
            "    from {{ ref('unified_tracks') }} as tracks",
            "    where {{ rule_filter(rule) }}",
            "),",
            "",
            "{{ select_tracks(playlist) }}",
            "",
            "select * from selection",
            "",
        ]
    )


def properties_text(slug: str, rule: Rule) -> str:
    """The model's YAML: its grain and its columns; its tests stand with playlist_selections, once for all."""
    about = rule.block.description or rule.block.title
    # dbt would read {{ as Jinja; YAML refuses control characters and a line of ---
    printable = "".join(char if char.isprintable() else " " for char in about)
    plain = " ".join(re.sub(r"[{}\"\\]", "'", printable).split())
    lines = [
        "models:",
        f"  - name: {MODEL_PREFIX}{slug}",
        f'    description: "Grain: one track per position. {plain}"',
        "    constraints:",
        "      - {type: primary_key, columns: [position]}",
        "    columns:",
    ]
    for name, kind, is_needed in COLUMNS:
        lines += [f"      - name: {name}", f"        data_type: {kind}"]
        lines.append(f"        description: \"{{{{ doc('{name}') }}}}\"")
        if is_needed:
            lines.append("        constraints: [{type: not_null}]")
    return "\n".join([*lines, ""])


def jinja(value: Any, indent: int = 0) -> str:
    """A value as a Jinja expression, its texts quoted so that nothing in them is read as Jinja."""
    pad = " " * (indent + 4)
    if isinstance(value, dict):
        parts = [f"{pad}{jinja(key)}: {jinja(part, indent + 4)}," for key, part in value.items()]
        return "\n".join(["{", *parts, " " * indent + "}"]) if parts else "{}"
    if isinstance(value, list | tuple):
        if any(isinstance(part, dict) for part in value):
            parts = [f"{pad}{jinja(part, indent + 4)}," for part in value]
            return "\n".join(["[", *parts, " " * indent + "]"])
        return f"[{', '.join(jinja(part) for part in value)}]"
    if value is None or isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return repr(value)
    return "'" + "".join(_escaped(letter) for letter in str(value)) + "'"


def _escaped(letter: str) -> str:
    if letter.isprintable() and letter not in "'\\{}":
        return letter
    return f"\\U{ord(letter):08x}"
