"""The house keeps its own rules: settings are explained, paths are nobody's, targets are described."""

from __future__ import annotations

import graphlib
import re
import subprocess
from pathlib import Path

import grimp

from profiles.settings import Settings

REPOSITORY = Path(__file__).parents[1]


def tracked_files() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=REPOSITORY, capture_output=True, check=True, text=True
    ).stdout
    return [REPOSITORY / name for name in listed.split("\0") if name and (REPOSITORY / name).is_file()]


def test_env_example_explains_every_setting_that_exists_and_no_other() -> None:
    text = (REPOSITORY / ".env.example").read_text()
    explained = set(re.findall(r"^([A-Z_]+)=", text, flags=re.MULTILINE))
    assert explained == {name.upper() for name in Settings.model_fields}


def test_every_make_target_says_what_it_does() -> None:
    text = (REPOSITORY / "Makefile").read_text()
    phony = re.search(r"^\.PHONY: (.*)$", text, flags=re.MULTILINE)
    assert phony is not None
    described = set(re.findall(r"^([a-z-]+):.*## ", text, flags=re.MULTILINE))
    assert set(phony.group(1).split()) - described <= {"install", "install-dev"}


def test_no_file_names_a_folder_of_one_machine() -> None:
    foreign = re.compile(r"/(?:root|home/[a-z]+|work)/")
    found = [
        f"{path.relative_to(REPOSITORY)}: {line.strip()}"
        for path in tracked_files()
        if path != Path(__file__) and path.suffix in {".py", ".sql", ".md", ".yml", ".yaml", ".toml", ""}
        for line in path.read_text(encoding="utf-8").splitlines()
        if foreign.search(line)
    ]
    assert found == []


def test_no_file_imports_itself_by_way_of_others() -> None:
    packages = ("profiles", "extract", "playlists", "flows", "sandbox", "demo")
    graph = grimp.build_graph(*packages)
    imports = {name: graph.find_modules_directly_imported_by(name) for name in graph.modules}
    try:
        graphlib.TopologicalSorter(imports).prepare()
    except graphlib.CycleError as error:
        raise AssertionError(f"a circle of imports: {' → '.join(error.args[1])}") from None


def documents() -> list[Path]:
    return [path for path in tracked_files() if path.suffix == ".md" and "models" not in path.parts]


def test_links_between_documents_lead_to_a_file_and_a_heading() -> None:
    broken = []
    for document in documents():
        for target in re.findall(r"\]\((?!https?:)([^)\s]+)\)", document.read_text(encoding="utf-8")):
            name, _, heading = target.partition("#")
            file = document.parent / name if name else document
            titles = re.findall(
                r"^#+ (.+)$",
                file.read_text(encoding="utf-8") if file.suffix == ".md" and file.is_file() else "",
                re.M,
            )
            anchors = {re.sub(r"[^\w -]", "", title).lower().replace(" ", "-") for title in titles}
            if not file.exists() or (heading and heading not in anchors):
                broken.append(f"{document.name}: {target}")
    assert broken == []


def test_files_that_documents_name_exist() -> None:
    folders = "profiles|extract|dbt_project|playlists|flows|sandbox|demo|tests|docs|\\.github|\\.ci"
    missing = [
        f"{document.name}: {path}"
        for document in documents()
        for path in re.findall(rf"`((?:{folders})/[\w./*-]+)`", document.read_text(encoding="utf-8"))
        if not list(REPOSITORY.glob(path)) and "sunday_classics" not in path
    ]
    assert missing == []
