"""`make` on a machine that lacks something: what is missing, and what helps."""

from __future__ import annotations

import shlex
import subprocess
import sys
from typing import TYPE_CHECKING

from profiles.settings import REPOSITORY

if TYPE_CHECKING:
    from pathlib import Path


def test_a_python_without_pip_is_named_with_what_to_install(tmp_path: Path) -> None:
    python = tmp_path / "python"
    python.write_text(
        f'#!/bin/sh\n[ "$2" = pip ] && {{ echo "No module named pip" >&2; exit 1; }}\n'
        f'exec {shlex.quote(sys.executable)} "$@"\n'
    )
    python.chmod(0o755)
    venv = tmp_path / "venv"
    done = subprocess.run(
        ["make", f"PYTHON={python}", f"VENV={venv}", f"{venv}/uv"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert f"{python} has no pip: install it" in done.stderr
    assert not venv.exists()
