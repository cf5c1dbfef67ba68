"""`python -m profiles`: the commands of `tracker` on settings, sign-in, database and dbt."""

import sys

from profiles.cli import main

sys.exit(main())
