"""`python -m isofield` is `isofield`."""

import sys

from isofield.cli.main import main

sys.exit(main())
