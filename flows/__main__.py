"""`python -m flows`: the commands of `tracker`."""

import sys

from flows.cli import main

sys.exit(main())
