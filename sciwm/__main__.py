"""``python -m sciwm`` is the ``sciwm`` command."""

import sys

from sciwm.cli import main

if __name__ == "__main__":
    sys.exit(main())
