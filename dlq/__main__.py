"""``python -m dlq``: the command line, for when the command ``dlq`` is not on the path."""

import sys

from dlq.cli import main

if __name__ == "__main__":
    sys.exit(main())
