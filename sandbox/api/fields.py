"""The `fields` filter of playlists: `items(added_at,item(id,uri)),next,total`, `owner.id`, `!description`.

An unknown name selects nothing and is no error: `items(track(uri))` in new Development Mode gives a list of
empty objects, as with Spotify.
"""

from __future__ import annotations

import re
from typing import Any, Final

from sandbox.api.errors import bad_request

Tree = dict[str, "Tree | None"]
DEEPEST: Final = 32
TOKEN: Final = re.compile(r"[(),!.]|[^(),!.\s]+")


def parse(text: str) -> Tree:
    """Return a tree of names. None selects the whole value, and `!name` excludes a name.

    Raises ApiError 400 if the filter is nested more than 32 levels deep.
    """
    tree, _ = _parse_list(TOKEN.findall(text), 0, 0)
    return tree


def _parse_list(tokens: list[str], at: int, depth: int) -> tuple[Tree, int]:
    if depth > DEEPEST:
        raise bad_request("Invalid fields")
    tree: Tree = {}
    while at < len(tokens) and tokens[at] != ")":
        if tokens[at] == ",":
            at += 1
            continue
        at = _parse_one(tokens, at, tree, depth)
    return tree, at


def _parse_one(tokens: list[str], at: int, tree: Tree, depth: int) -> int:
    if depth > DEEPEST:
        raise bad_request("Invalid fields")
    mark = ""
    if tokens[at] == "!":
        mark, at = "!", at + 1
    if at >= len(tokens):
        return at
    name, at = mark + tokens[at], at + 1
    inner: Tree | None = None
    if at < len(tokens) and tokens[at] == "(":
        inner, at = _parse_list(tokens, at + 1, depth + 1)
        at += 1
    elif at + 1 < len(tokens) and tokens[at] == ".":
        inner = {}
        at = _parse_one(tokens, at + 1, inner, depth + 1)
    known = tree.get(name)
    if known is not None and inner is not None:
        known.update(inner)
    else:
        tree[name] = inner
    return at


def select(value: Any, tree: Tree) -> Any:
    """Return the part of a JSON value that the tree selects."""
    if isinstance(value, list):
        return [select(one, tree) for one in value]
    if not isinstance(value, dict):
        return value
    excluded = {name[1:] for name in tree if name.startswith("!")}
    if excluded:
        return {name: one for name, one in value.items() if name not in excluded}
    chosen = {}
    for name, inner in tree.items():
        if name in value:
            chosen[name] = value[name] if inner is None else select(value[name], inner)
    return chosen
