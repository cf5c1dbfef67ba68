"""The Prefect server of one command: this module run as a program with its port. It ends with it.

The command holds the other end of this process's standard input. The system closes it when the command ends,
also by a kill or a power failure of its session, so that no server stays behind.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time

from flows.server.environment import HOST

PATIENCE_S = 10.0


def main() -> None:
    """Serve until the command ends."""
    threading.Thread(target=_end_with_command, daemon=True).start()
    import uvicorn  # noqa: PLC0415  # what follows takes seconds, and the command may end meanwhile

    # uvicorn directly: `prefect server start` imports the whole command line first, two seconds more
    uvicorn.run(
        "prefect.server.api.server:create_app",
        factory=True,
        host=HOST,
        port=int(sys.argv[1]),
        log_level="error",
        lifespan="on",
    )


def _end_with_command() -> None:
    os.read(sys.stdin.fileno(), 1)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(PATIENCE_S)
    os._exit(1)


if __name__ == "__main__":
    main()
