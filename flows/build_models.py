"""The warehouse on demand."""

from __future__ import annotations

from typing import Any

from prefect import flow
from prefect.client.schemas.objects import State

from flows.pages import refresh_pages
from flows.run.dbt_build import Models, build_step
from flows.run.recorded_run import recorded_flow_run


@flow(name="build-models", flow_run_name="build {models}")
def build_models(models: Models = Models.ALL, full_refresh: bool = False) -> State[Any]:
    """Build the models with dbt and run their tests. Builds take turns; nothing on Spotify is touched.

    Args:
        models: `nightly` is everything, `after_poll` what new plays change, `playlists` the selections alone.
        full_refresh: Build incremental models anew from all raw data.
    """
    with recorded_flow_run("build-models", models=models, full_refresh=full_refresh) as run:
        run.step("build", build_step, models, full_refresh=full_refresh)
        run.step("pages", refresh_pages)
    return run.state
