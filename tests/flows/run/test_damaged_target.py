"""dbt's target folder can be made again: what is damaged in it hinders no build."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from profiles import dbt

if TYPE_CHECKING:
    from profiles.session import Session

WRITTEN = ("manifest.json", "partial_parse.msgpack", "run_results.json", "semantic_manifest.json")


@pytest.mark.usefixtures("prefect_server")
def test_a_damaged_target_is_written_anew(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    from prefect_dbt import PrefectDbtSettings  # type: ignore[import-untyped]  # it has no types

    from flows.run.dbt_nodes import Runner

    for name, value in dbt.environment(session.settings, session.database).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("DBT_LOG_PATH", str(dbt.log_folder(session.settings)))
    with dbt.target_folder(session.settings) as target:
        target.mkdir()
        for name in WRITTEN:
            (target / name).write_bytes(b'{"metadata": {"dbt_schema_ver')
        settings = PrefectDbtSettings(
            project_dir=dbt.DBT_PROJECT_DIR, profiles_dir=dbt.PROFILES_DIR, target_path=target
        )
        result = Runner(settings=settings, raise_on_failure=False, disable_assets=True).invoke(["parse"])
        assert result.success
        assert json.loads((target / "manifest.json").read_text())["nodes"]
