"""``python -m canalfit``."""

import sys

from canalfit.cli import main

sys.exit(main())
