"""`python -m extract`: the commands of `tracker` that load."""

import sys

from extract.cli import main

sys.exit(main())
