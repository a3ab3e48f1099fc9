"""``python -m memjax`` is the command ``memjax``."""

import sys

from memjax.cli import main

if __name__ == "__main__":
    sys.exit(main())
