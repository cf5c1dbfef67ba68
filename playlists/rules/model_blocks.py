"""Check the blocks of all playlist models against their declaration, `playlists.block.PlaylistBlock`.

The macros check a block while dbt parses. This checks it once more, as a push will read it, before a build
changes anything.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from playlists.block import read_block
from playlists.slugs import MODEL_PREFIX
from profiles import dbt
from profiles.database import Database
from profiles.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from profiles.settings import Settings

LISTING = "--quiet ls --resource-type model --select tag:playlists --output json --output-keys name config"
# dbt reads the address of a database while it parses, but does not connect to it
NOWHERE = Database(host="localhost", port=5432, name="nowhere", user="nobody")


def read_models(settings: Settings) -> dict[str, Any]:
    """The block of every playlist model by slug, as dbt parses them now; None where a model has none.

    Needs no database. Raises TrackerError with dbt's own words where it cannot parse.
    """
    found: dict[str, Any] = {}
    for line in dbt.output_of(LISTING.split(), settings, NOWHERE).splitlines():
        if not line.startswith("{"):
            continue
        model = json.loads(line)
        if "playlist" in model["config"]["meta"]:
            found[model["name"].removeprefix(MODEL_PREFIX)] = model["config"]["meta"]["playlist"]
    return found


def problems(blocks: Mapping[str, Any], listed: set[str]) -> dict[str, str]:
    """Return what is wrong with its remedy, by slug. `listed`: the slugs of the var ``playlists``."""
    found: dict[str, str] = {}
    for slug, block in sorted(blocks.items()):
        try:
            read_block(slug, block)
        except InputError as error:
            found[slug] = str(error)
    for slug in sorted(blocks.keys() - listed):
        found.setdefault(slug, "It is in no build: add it to the var playlists of dbt_project.yml.")
    for slug in sorted(listed - blocks.keys()):
        found[slug] = f"The var playlists names it, but no model {MODEL_PREFIX}{slug} has a block."
    return found
