"""Spotify → PostgreSQL `raw_spotify`, by dlt: what the API said, when we last looked, and what left.

Nothing here decides what a row means (that is dbt's) and nothing here knows the orchestrator: every
resource runs alone, from a terminal (`tracker sync`) or a flow, and twice or killed half-way leaves a
true table behind.
"""

import os

# dlt starts its telemetry (and writes an anonymous id outside our own folder) when it is imported, before any
# configuration in code can reach it. Its own error log repeats whole payloads: we report failures ourselves.
os.environ.setdefault("RUNTIME__DLTHUB_TELEMETRY", "false")
os.environ.setdefault("RUNTIME__LOG_LEVEL", "CRITICAL")
