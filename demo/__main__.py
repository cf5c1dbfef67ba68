"""`python -m demo`: the commands of `tracker demo`."""

import sys

from demo.cli import demo
from profiles import terminal

sys.exit(terminal.run(demo))
