"""Loads Spotify's answers into `raw_spotify` and listening histories into `raw_export`, both by dlt.

Rows are stored as they come: what they mean is decided in dbt. Nothing here knows Prefect. Every resource can
be synced by itself, by `tracker sync` or by a flow, and can be repeated or killed without harm to a table.
"""

import os
from pathlib import Path

# dlt reads this when it is first imported. Its settings are in `.dlt/config.toml` of this repository.
os.environ["DLT_PROJECT_DIR"] = str(Path(__file__).parents[1])
