"""`python -m host_tools` is `gatewayctl`."""

from __future__ import annotations

import sys

from host_tools.cli import main
from host_tools.toolchain.paths import ROOT

# Host tools check a configuration and read records with the device's own code.
# the firmware's own code checks sites and maps here too; it needs what its interpreter gives it
for folder in ("firmware", "build/upy/modbus", "boards/sim/cpython"):
    sys.path.append(str(ROOT / folder))

sys.exit(main())
