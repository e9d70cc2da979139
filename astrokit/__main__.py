"""``python -m astrokit`` is the command ``astrokit``."""

import sys

from .cli import main

sys.exit(main())
