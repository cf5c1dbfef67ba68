"""`python -m sandbox`: a simulated Spotify account over HTTP."""

import sys

from sandbox.cli import main

sys.exit(main())
