"""The project as a whole: everything is described and used, and each layer reads what lies below it."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from profiles.dbt import DBT_PROJECT_DIR
from tests.dbt.lint import manifest_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.dbt.data_versions import Manifest

PROJECT = "spotify_tracker"


@pytest.fixture(scope="module")
def manifest() -> Manifest:
    return manifest_of(DBT_PROJECT_DIR)


def models(manifest: Manifest, layer: str) -> Iterator[dict[str, Any]]:
    """Yield the models of a folder below models/."""
    for node in manifest["nodes"].values():
        if node["resource_type"] == "model" and node["fqn"][1] == layer:
            yield node


def reads(manifest: Manifest, layer: str, lower: str) -> list[tuple[str, str]]:
    """Return the pairs of a model of a layer and what it reads that lies in `lower`, a folder or `source`."""
    known = {unique_id: node["fqn"][1] for unique_id, node in manifest["nodes"].items()}
    return [
        (model["name"], unique_id.split(".")[-1])
        for model in models(manifest, layer)
        for unique_id in model["depends_on"]["nodes"]
        if lower == known.get(unique_id, unique_id.split(".")[0])
    ]


def test_every_macro_is_described(manifest: Manifest) -> None:
    ours = [macro for macro in manifest["macros"].values() if macro["package_name"] == PROJECT]
    silent = [
        macro["name"] for macro in ours if not macro["description"] and "/generic/" not in macro["path"]
    ]
    assert silent == []


def test_every_model_and_snapshot_is_described(manifest: Manifest) -> None:
    described = ("model", "snapshot", "source")
    nodes = [*manifest["nodes"].values(), *manifest["sources"].values()]
    assert [
        node["name"] for node in nodes if node["resource_type"] in described and not node["description"]
    ] == []


def test_no_model_reads_a_snapshot(manifest: Manifest) -> None:
    # `dbt run` builds models alone: on an empty database it would fail
    snapshots = {unique_id for unique_id in manifest["nodes"] if unique_id.startswith("snapshot.")}
    readers = [
        node["name"]
        for node in manifest["nodes"].values()
        if node["resource_type"] == "model" and snapshots & set(node["depends_on"]["nodes"])
    ]
    assert readers == []


def test_no_sql_names_a_ref_otherwise(manifest: Manifest) -> None:
    # `--empty` puts a subquery with a name of its own in its place: two names are an error
    renamed = re.compile(r"(?:ref|source)\([^{}]*\) *\}\} +as\b")
    found = [
        f"{file.relative_to(DBT_PROJECT_DIR)}: {line.strip()}"
        for file in sorted(DBT_PROJECT_DIR.rglob("*.sql"))
        for line in file.read_text(encoding="utf-8").splitlines()
        if renamed.search(line)
    ]
    assert found == []


def test_no_intermediate_model_reads_a_mart(manifest: Manifest) -> None:
    assert reads(manifest, "intermediate", "marts") == []


def test_no_mart_reads_a_source_but_what_hooks_of_intermediate_models_write(manifest: Manifest) -> None:
    assert reads(manifest, "marts", "source") == [("daily_listening", "touched_days")]


def test_tables_that_hooks_make_stand_in_the_lineage(manifest: Manifest) -> None:
    readers = {
        source["name"]: {
            node["name"]
            for node in manifest["nodes"].values()
            if unique_id in node["depends_on"]["nodes"] and node["resource_type"] == "model"
        }
        for unique_id, source in manifest["sources"].items()
        if source["source_name"] == "ledgers"
    }
    assert readers == {
        "matched_groups": {"int_listens"},
        "touched_days": {"int_listens", "daily_listening", "int_track_months"},
        "read_batches": {"int_renamed_streams"},
    }


def test_nothing_above_staging_reads_raw_tables(manifest: Manifest) -> None:
    raw = {source["name"] for source in manifest["sources"].values() if source["schema"].startswith("raw_")}
    assert [pair for pair in reads(manifest, "intermediate", "source") if pair[1] in raw] == []


def test_every_staging_and_intermediate_model_is_read(manifest: Manifest) -> None:
    read = {unique_id for node in manifest["nodes"].values() for unique_id in node["depends_on"]["nodes"]}
    unread = [
        model["name"]
        for layer in ("staging", "intermediate")
        for model in models(manifest, layer)
        if model["unique_id"] not in read
    ]
    assert unread == []


def test_every_playlist_keeps_the_same_columns_under_the_same_key(manifest: Manifest) -> None:
    playlists = [
        model
        for model in models(manifest, "marts")
        if "playlist" in model["config"]["meta"] or "'playlist': playlist" in model["raw_code"]
    ]
    assert len(playlists) == 35
    kept = {
        json.dumps([model["columns"], model["constraints"], model["config"]["contract"]], sort_keys=True)
        for model in playlists
    }
    assert len(kept) == 1


def test_every_mart_that_our_code_reads_is_named_by_an_exposure(manifest: Manifest) -> None:
    exposed = {
        unique_id.split(".")[-1]
        for exposure in manifest["exposures"].values()
        for unique_id in exposure["depends_on"]["nodes"]
    }
    marts = {model["name"] for model in models(manifest, "marts")}
    code = [
        file.read_text(encoding="utf-8")
        for folder in ("demo", "extract", "flows", "playlists", "profiles")
        for file in (DBT_PROJECT_DIR.parent / folder).rglob("*.py")
    ]
    named = {name for text in code for name in re.findall(r"analytics\.(\w+)", text)} & marts
    assert named - exposed == set()
