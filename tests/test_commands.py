"""`tracker`: every command that a text names exists, and no command costs more than it has to."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import pytest

from demo.cli import tracker
from profiles import terminal
from profiles.settings import REPOSITORY

if TYPE_CHECKING:
    from collections.abc import Iterator

TEXTS = (".py", ".sql", ".yml", ".yaml", ".md", ".example", "Makefile")
HEAVY = ("prefect", "dlt", "dbt", "pyarrow", "rich", "spotipy", "pydantic")
PROGRAM = Path(sys.executable).with_name("tracker")

# in backticks, after a prompt, as a string of SQL or Python, in a recipe of the Makefile
IN_BACKTICKS = re.compile(r"`(?:\w+=\S+ )*(?:\.venv/bin/)?tracker ([^`]+)`")
AT_PROMPT = re.compile(r"^\$ (?:\w+=\S+ )*(?:\.venv/bin/)?tracker ([^#\n]+)", re.MULTILINE)
IN_QUOTES = re.compile(r"""["']tracker ([a-z-][^"'\n]+)["']""")
IN_EVAL = re.compile(r'eval "\$\((?:\.venv/bin/)?tracker ([^)]+)\)"')
IN_RECIPE = re.compile(r"\$\(TRACKER\) ([^|&;\n]+)")


@dataclass(frozen=True)
class Named:
    """A command as a text names it."""

    file: str
    words: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.file}: tracker {' '.join(self.words)}"


def product_texts() -> Iterator[tuple[str, str]]:
    """Every file of ours that a user may read, with its content."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
    )
    for name in listed.stdout.splitlines():
        file = REPOSITORY / name
        if name.endswith(TEXTS) and not name.startswith("tests/") and file.is_file():
            yield name, file.read_text(encoding="utf-8")


def named_commands() -> list[Named]:
    """Every command of ours that the texts and documents of the product name."""
    patterns = (IN_BACKTICKS, AT_PROMPT, IN_QUOTES, IN_EVAL, IN_RECIPE)
    found = {
        Named(name, tuple(words_of(match[1])))
        for name, text in product_texts()
        for pattern in patterns
        for match in pattern.finditer(text)
    }
    return sorted(found, key=str)


def words_of(text: str) -> list[str]:
    """The words of a command; what code puts in when it runs is one word each."""
    plain = re.sub(r"\{\{.*?\}\}|\{[^}]*\}|\$\(\w+\)", "VALUE", text)
    return re.findall(r"[^\s\"'\\…]+", plain.split(" #")[0])


@cache
def options_of_flow(name: str) -> frozenset[str]:
    from flows.cli import flow_of
    from flows.flow_options import command_of
    from flows.server import deploy_step, prefect_yaml

    [listed] = [each for each in prefect_yaml.listed_flows(deploy_step.settings()) if each.name == name]
    return frozenset(
        option for parameter in command_of(listed, flow_of(listed)).params for option in parameter.opts
    )


def problem_with(words: tuple[str, ...]) -> str | None:
    """Why the click tree cannot do this, or None."""
    command: click.Command = tracker
    context = click.Context(tracker)
    rest = list(words)
    while rest and isinstance(command, click.Group):
        if rest[0].startswith("-"):
            if rest[0] not in known_options(command):
                return f"{command.name} has no {rest[0]}"
            rest.pop(0)
            continue
        if rest[0] in ("VALUE", "COMMAND", "FLOW", "ARGS"):
            return None
        found = command.get_command(context, rest[0])
        if found is None:
            return f"{command.name} has no command {rest[0]}"
        is_flow = command.name == "run"
        command = found
        name = rest.pop(0)
        if is_flow:
            return problem_with_flow(name, rest)
    if command.context_settings.get("ignore_unknown_options"):
        return None  # the arguments are another program's
    unknown = [word for word in rest if word.startswith("-") and word not in known_options(command)]
    return f"{command.name} has no {unknown[0]}" if unknown else too_many(command, rest)


def problem_with_flow(name: str, rest: list[str]) -> str | None:
    unknown = {word for word in rest if word.startswith("--")} - options_of_flow(name) - {"--help"}
    return f"the flow {name} has no {', '.join(unknown)}" if unknown else None


def known_options(command: click.Command) -> set[str]:
    return {option for parameter in command.params for option in parameter.opts} | {"--help"}


def too_many(command: click.Command, rest: list[str]) -> str | None:
    """Whether more words stand there than the command has arguments and values for."""
    takes_value = {
        option
        for parameter in command.params
        if isinstance(parameter, click.Option) and not parameter.is_flag
        for option in parameter.opts
    }
    plain = [
        word
        for before, word in zip(["", *rest], rest, strict=False)
        if not word.startswith("-") and before not in takes_value and word != "VALUE"
    ]
    arguments = [each for each in command.params if isinstance(each, click.Argument)]
    if any(each.nargs == -1 for each in arguments) or len(plain) <= len(arguments):
        return None
    return f"{command.name} takes no {plain[-1]}"


def test_every_command_that_a_text_names_exists_with_these_options() -> None:
    commands = named_commands()
    assert len(commands) > 80
    wrong = {str(each): why for each in commands if (why := problem_with(each.words))}
    assert wrong == {}


def test_the_check_of_commands_sees_what_is_wrong() -> None:
    assert problem_with(("playlists", "plan")) is None
    assert problem_with(("playlists", "plans")) == "playlists has no command plans"
    assert problem_with(("playlists", "plan", "--everything")) == "plan has no --everything"
    assert problem_with(("run", "daily-sync", "--never")) == "the flow daily-sync has no --never"
    assert problem_with(("status", "now")) == "status takes no now"


def test_no_text_names_a_program_that_went() -> None:
    old = re.compile(r"python -m (?:extract|playlists|profiles|flows)[ .](?!\S*`?: the commands)")
    named = [name for name, text in product_texts() if old.search(text)]
    assert named == ["CHANGELOG.md"]  # which says what became of them
    asked_of_make = re.compile(r"`make (?:login|check|down|status|psql|dbt)\b")
    assert [name for name, text in product_texts() if asked_of_make.search(text)] == []


def test_help_imports_nothing_heavy() -> None:
    script = (
        "import sys; from demo.cli import main; assert main(['--help']) == 0;"
        "assert main(['playlists', '--help']) == 0; assert main(['sync', '--help']) == 0;"
        f"print([name for name in {HEAVY!r} if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=REPOSITORY, capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize("words", [["--help"], ["run"], ["playlists", "--help"], ["status", "--json"]])
def test_it_works_from_every_folder(words: list[str], tmp_path: Path, tracker_home: Path) -> None:
    done = subprocess.run(
        [PROGRAM, *words], cwd=tmp_path, env=dict(os.environ), capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_each_package_is_installed() -> None:
    content = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))
    folders = {
        ".".join(file.parent.relative_to(REPOSITORY).parts)
        for top in ("demo", "extract", "flows", "playlists", "profiles", "sandbox")
        for file in (REPOSITORY / top).rglob("__init__.py")
    }
    assert set(content["tool"]["setuptools"]["packages"]) == folders


def test_a_closed_pipe_ends_a_command_quietly(tracker_home: Path) -> None:
    shell = f"set -o pipefail; {shlex.quote(str(PROGRAM))} run | head -n 1"
    done = subprocess.run(
        ["bash", "-c", shell], env=dict(os.environ), capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("name")


def test_everything_that_prints_a_table_prints_json() -> None:
    without = [
        f"{group.name} {command.name}"
        for group, command in commands_with_groups(tracker)
        if prints_table(command) and "--json" not in known_options(command)
    ]
    assert without == []


def commands_with_groups(group: click.Group) -> Iterator[tuple[click.Group, click.Command]]:
    for command in group.commands.values():
        yield group, command
        if isinstance(command, click.Group):
            yield from commands_with_groups(command)


def prints_table(command: click.Command) -> bool:
    code: Any = getattr(command.callback, "__code__", None)
    return code is not None and "show" in code.co_names


def test_the_command_is_named_so_that_it_can_be_typed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    terminal.program.cache_clear()
    monkeypatch.setenv("PATH", str(PROGRAM.parent))
    assert terminal.with_program("Run `tracker sync` now.") == "Run `tracker sync` now."
    terminal.program.cache_clear()
    (tmp_path / "tracker").write_text("#!/bin/sh\n")
    (tmp_path / "tracker").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert terminal.with_program("Run `tracker sync` now.") == f"Run `{PROGRAM} sync` now."
    assert terminal.with_program("`A=b tracker down`") == f"`A=b {PROGRAM} down`"
    terminal.program.cache_clear()
