"""What makes the rows of each incremental model, read from dbt's manifest: for `python -m tests.dbt.lint`.

`dbt_project/data_versions.yml` has a line for each such model: its data_version and a hash of the code that
makes its rows. Where that code has changed, somebody has to say whether the rows have changed, too.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import jinja2.nodes
import yaml
from dbt_common.clients.jinja import get_environment

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


Manifest = dict[str, Any]
"""dbt's manifest.json."""

FILE = "data_versions.yml"
ACCEPT = "python -m tests.dbt.lint accept"
HEADER = f"# Written by `{ACCEPT}`. A conflict here: take either side, then run it again.\n"
LAST_HOOK = "{{ remember_data_version() }}"
# what moves with every build: models that read it look after that themselves
MOVES_ALWAYS = {"as_of", "TRACKER_AS_OF"}
COMMENTS = re.compile(r"\{#.*?#\}|^\s*--[^\n]*$", re.DOTALL | re.MULTILINE)


@dataclass(frozen=True)
class Maker:
    """What makes the rows of one incremental model: `code` is a hash, the rest are names."""

    model: str
    path: str
    data_version: int | None
    code: str
    reads: frozenset[str]
    follows: frozenset[str]
    declared_reads: frozenset[str]
    declared_follows: frozenset[str]
    last_hook: str


@dataclass(frozen=True)
class _Sources:
    """Pieces of code by a name that sorts them, and the incremental models met on the way."""

    code: dict[str, str]
    follows: set[str]


def makers(manifest: Manifest) -> list[Maker]:
    """Return what makes each incremental model of the project, by name."""
    project = manifest["metadata"]["project_name"]
    macros = {m["name"]: m["macro_sql"] for m in manifest["macros"].values() if m["package_name"] == project}
    found = [
        _maker(node, manifest, macros)
        for node in manifest["nodes"].values()
        if node["resource_type"] == "model" and node["config"]["materialized"] == "incremental"
    ]
    return sorted(found, key=lambda maker: maker.model)


def complaints(manifest: Manifest, project: Path) -> list[str]:
    """Return in words which incremental models declare something false or have a hash not accepted yet."""
    accepted = yaml.safe_load((project / FILE).read_text(encoding="utf-8")) or {}
    found = makers(manifest)
    said = [complaint for maker in found for complaint in _complaints_about(maker, accepted.get(maker.model))]
    gone = sorted(accepted.keys() - {maker.model for maker in found})
    return said + [f"{name} is no incremental model any more. Run `{ACCEPT}`." for name in gone]


def accept(manifest: Manifest, project: Path) -> None:
    """Write the hashes as they are now."""
    lines = [f"{maker.model}: {_line(maker)}\n" for maker in makers(manifest)]
    (project / FILE).write_text(HEADER + "".join(lines), encoding="utf-8")


def _line(maker: Maker) -> str:
    return f"version {maker.data_version} of code {maker.code}"


def _complaints_about(maker: Maker, accepted: str | None) -> Iterator[str]:
    if maker.last_hook != LAST_HOOK:
        yield f"{maker.path}: the last post_hook of an incremental model is '{LAST_HOOK}'."
    if maker.data_version is None:
        yield f"{maker.path}: its YAML needs `config: {{meta: {{data_version: 1}}}}`."
    for key, real, declared in (
        ("reads", maker.reads, maker.declared_reads),
        ("follows", maker.follows, maker.declared_follows),
    ):
        if real != declared:
            yield f"{maker.path}: its YAML needs `config.meta.{key}: [{', '.join(sorted(real))}]`."
    if accepted is None or accepted.startswith(f"version {maker.data_version} ") != (
        accepted == _line(maker)
    ):
        yield (
            f"{maker.path}: the code that makes its rows has changed, here or in a macro or view that it"
            " uses. If the new code would have made other rows in the past, raise data_version in its YAML:"
            f" the next build then makes the table anew. In both cases run `{ACCEPT}` and commit {FILE}."
        )
    elif accepted != _line(maker):
        yield f"{maker.path}: its data_version is {maker.data_version} now. Run `{ACCEPT}`."


def _maker(node: Any, manifest: Manifest, macros: dict[str, str]) -> Maker:
    sources = _Sources({}, set())
    _add_model(node, manifest, sources)
    reads: set[str] = set()
    ahead = list(sources.code.values())
    while ahead:
        called, read = _calls(ahead.pop())
        reads |= read
        for name in called & macros.keys() - {"remember_data_version"}:
            if f"macro {name}" not in sources.code:
                sources.code[f"macro {name}"] = macros[name]
                ahead.append(macros[name])
    meta = node["config"]["meta"]
    hooks = [hook["sql"] for hook in node["config"]["post-hook"]]
    return Maker(
        node["name"],
        node["original_file_path"],
        meta.get("data_version"),
        _hash(sources.code),
        frozenset(reads - MOVES_ALWAYS),
        frozenset(sources.follows),
        frozenset(meta.get("reads", [])),
        frozenset(meta.get("follows", [])),
        hooks[-1] if hooks else "",
    )


def _add_model(node: Any, manifest: Manifest, sources: _Sources) -> None:
    """Add the SQL of a model and of the views that it reads."""
    sources.code[node["unique_id"]] = node["raw_code"]
    for unique_id in node["depends_on"]["nodes"]:
        upstream = manifest["nodes"].get(unique_id)
        if upstream is None or unique_id in sources.code:
            continue
        if upstream["config"]["materialized"] == "incremental":
            sources.follows.add(upstream["name"])
        elif upstream["config"]["materialized"] in ("view", "ephemeral"):
            _add_model(upstream, manifest, sources)


def _calls(code: str) -> tuple[set[str], set[str]]:
    """Return the names that this Jinja calls, and the vars and environment variables that it reads."""
    tree = get_environment(None, capture_macros=False).parse(code)
    called, read = set(), set()
    for call in tree.find_all(jinja2.nodes.Call):
        if isinstance(call.node, jinja2.nodes.Name):
            called.add(call.node.name)
            if call.node.name in ("var", "env_var"):
                read.add(_constant(call.args[0]))
    # hooks are Jinja in a string
    for text in tree.find_all(jinja2.nodes.Const):
        if isinstance(text.value, str) and "{{" in text.value:
            more_called, more_read = _calls(text.value)
            called, read = called | more_called, read | more_read
    return called, read


def _constant(argument: jinja2.nodes.Expr) -> str:
    if not isinstance(argument, jinja2.nodes.Const):
        raise TypeError(
            f"line {argument.lineno}: the name of a var is written out, so that `make lint` knows it"
        )
    return str(argument.value)


def _hash(code: dict[str, str]) -> str:
    """Hash code without its comments, however it is broken into lines."""
    plain = [f"{name}: {' '.join(COMMENTS.sub('', code[name]).split())}" for name in sorted(code)]
    return hashlib.sha256("\n".join(plain).encode()).hexdigest()[:12]
