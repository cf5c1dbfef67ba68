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

from flows.server.web_server import serve
from profiles.settings import LOOPBACK

PATIENCE_S = 10.0


def main() -> None:
    """Serve until the command ends."""
    threading.Thread(target=_end_with_command, daemon=True).start()
    serve(LOOPBACK, int(sys.argv[1]))


def _end_with_command() -> None:
    os.read(sys.stdin.fileno(), 1)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(PATIENCE_S)
    os._exit(1)


if __name__ == "__main__":
    main()
