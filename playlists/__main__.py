"""`python -m playlists`: the commands of `tracker playlists`."""

import sys

from playlists.cli import main

sys.exit(main())
