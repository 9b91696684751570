"""`python -m penstock.cli`, where the script `penstock` is not on the path."""

from __future__ import annotations

import sys

from penstock.cli import main

sys.exit(main())
