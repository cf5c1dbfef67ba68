"""dbt's nodes as Prefect tasks, at a bearable price.

prefect-dbt gives each node a thread and rebuilds Prefect's whole context in it: all settings are read again
and a TLS context is made, twice per node. For 130 nodes that is 20 seconds of processor time. Here the
threads inherit the flow's own context, as those of Prefect's thread pool do.
"""

from __future__ import annotations

import threading
import time
from contextvars import Context, copy_context
from typing import TYPE_CHECKING, Any

import prefect_dbt.core.runner as runner_module  # type: ignore[import-untyped]  # it has no types
from prefect.task_engine import run_task_sync
from prefect_dbt import PrefectDbtRunner
from prefect_dbt.core._tracker import NodeTaskTracker  # type: ignore[import-untyped]  # as above

if TYPE_CHECKING:
    from uuid import UUID

    from prefect import Task

THREAD = "dbt node "


class NodeTasks(NodeTaskTracker):  # type: ignore[misc]  # its base has no types
    """The tasks of one invocation of dbt, made on the thread of the flow that invokes it."""

    def __init__(self) -> None:
        super().__init__()
        self._flow_context: Context = copy_context()

    def run_task_in_thread(
        self,
        node_id: str,
        task: Task[..., Any],
        task_run_id: UUID,
        parameters: dict[str, Any],
        context: dict[str, Any],  # noqa: ARG002  # what this class does without
    ) -> None:
        """Run a node's task, which waits until dbt has finished the node."""

        def run() -> None:
            done = [self.get_task_result(upstream) for upstream in self.get_node_dependencies(node_id)]
            state = run_task_sync(
                task,
                task_run_id=task_run_id,
                parameters=parameters,
                wait_for=[state for state in done if state],
                return_type="state",
            )
            self.set_task_result(node_id, state)

        inherited = self._flow_context.copy()  # a context is entered by one thread at a time
        threading.Thread(target=inherited.run, args=(run,), name=f"{THREAD}{node_id}", daemon=True).start()


class Runner(PrefectDbtRunner):  # type: ignore[misc]  # its base has no types
    """`PrefectDbtRunner` with cheaper node tasks that have ended when `invoke` returns."""

    def invoke(self, args: list[str], **kwargs: Any) -> Any:
        """Run dbt; returns its result. Raises ValueError where it could not run at all."""
        ordinary, runner_module.NodeTaskTracker = runner_module.NodeTaskTracker, NodeTasks
        try:
            return super().invoke(args, **kwargs)
        finally:
            runner_module.NodeTaskTracker = ordinary
            wait_for_node_tasks(patience_s=30)


def wait_for_node_tasks(*, patience_s: float) -> None:
    """Wait until the node tasks have told the server how they ended, else they would seem to run for ever."""
    deadline = time.monotonic() + patience_s
    for thread in threading.enumerate():
        if thread.name.startswith(THREAD):
            thread.join(timeout=max(0.0, deadline - time.monotonic()))
