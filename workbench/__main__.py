"""``python -m workbench`` starts the app; ``python -m workbench COMMAND`` is the command line."""

import sys

from workbench.cli import main

if __name__ == "__main__":
    sys.exit(main())
