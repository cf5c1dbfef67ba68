"""How a flow run goes: its outcome, log, tasks, events, progress and dbt builds."""
