"""`python -m host_tools` is `gatewayctl`."""

from __future__ import annotations

import sys

from host_tools.cli import main
from host_tools.toolchain.paths import ROOT

# Host tools check a configuration and read records with the device's own code.
sys.path.append(str(ROOT / "firmware"))

sys.exit(main())
