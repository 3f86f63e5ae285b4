"""What the firmware costs a Cortex-M3: instructions of single steps, heap and code of the whole.

The emulated board counts instructions, the same in every run of an image and on every host; it
does not count the cycles of a real processor. A committed baseline holds what it was; `growth`
names what has become dearer.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

from host_tools.bench.results import Metric
from host_tools.bench.rounds import Effort
from host_tools.emulator.board_config import files_of, tree_of
from host_tools.emulator.machine import ICOUNT, ICOUNT_SHIFT, Machine
from host_tools.emulator.memory import Memory
from host_tools.errors import UserError
from host_tools.site.compile import merge
from host_tools.toolchain.emulated_board import ensure_image
from host_tools.toolchain.paths import BUILD, ROOT
from host_tools.toolchain.progress import step

SITE = "energalactic-5015-0.5c"  # twelve racks of 416 cells
BASELINE = ROOT / "host_tools" / "bench" / "board_baseline.json"
GROWTH = 0.05
_CELLS = 416
FOUND = BUILD / "board_costs.json"
UPDATE = (
    "is it worth that? Then, in the same change: "
    f"cp {FOUND.relative_to(ROOT)} {BASELINE.relative_to(ROOT)}"
)
_TICK_NS = 40  # of the timer that the board reads
_FRAME_BYTES = 256
_HEAP_WANTED = 256 * 1024
_HEAP = "import host_tools.bench.clients.board_heap\n"
_STEPS = "import host_tools.bench.clients.board_costs\n"
_END = "import machine\nmachine.reset()\n"  # which ends the emulator
_MODULES = (
    "host_tools/bench/clients/board_heap.py",
    "host_tools/bench/clients/board_costs.py",
    "host_tools/__init__.py",
    "host_tools/bench/__init__.py",
    "host_tools/bench/clients/__init__.py",
    "host_tools/bench/clients/measure.py",
    "host_tools/bench/clients/protection_step.py",
)
_MARKS = ("HEAP", "COSTS")
_PATIENCE_S = 300
# What a board without PSRAM would have: no rewind, no 10 s samples, messages of one record.
SMALL = {
    "telemetry": {"rewind_s": 0, "aftermath_s": 0, "fine_period_ms": 0},
    "uplink": {"batch_bytes": 4096},
}
_OTHER_SITES: dict[str, dict[str, Any]] = {
    "heap_with_rewind_bytes": {},
    "heap_with_uplink_bytes": merge(SMALL, {"uplink": {"host": "192.168.1.10"}}),
}
_TARGETS = {
    "instructions_protection_per_rack": 12_000,
    "instructions_codec_per_frame": 60 * _CELLS,
    "instructions_crc16_per_256B": 260 * _FRAME_BYTES,
    "heap_peak_bytes": _HEAP_WANTED,
}
_NOTES = {
    "instructions_protection_per_rack": "50 ms after the last one, nothing new, currents risen",
    "instructions_protection_rising": "the same while they rise, over a second: one step judges",
    "instructions_protection_fresh": "with a fresh summary",
    "instructions_protection_scans": "with a fresh summary and whole scans",
    "instructions_idle_step": "the enforcing step of twelve racks when nothing is due",
    "instructions_idle_cycle": "the same and one turn of asyncio",
    "heap_peak_bytes": "twelve racks, without rewind, 10 s samples and broker, after a collection",
    "heap_with_uplink_bytes": "the same with a broker, and the code for it",
    "heap_with_rewind_bytes": "the same with everything that is recorded by default",
    "heap_code_bytes": "after the imports",
    "frames_peak_bytes": "of the stack that holds the frames of functions",
    "frozen_bytes": "code of the image, interpreter included",
}


def measure(_effort: Effort) -> list[Metric]:
    """All of them; one round, because every round is the same. UserError."""
    return [
        Metric(
            f"m3_{name}",
            value,
            "B" if name.endswith("bytes") else "instructions",
            target=_TARGETS.get(name),
            at_most=name in _TARGETS,
            details={"note": _NOTES[name]} if name in _NOTES else {},
        )
        for name, value in costs().items()
    ]


def costs() -> dict[str, float]:
    """Instructions and bytes by name, which FOUND keeps; UserError when the board told none."""
    image = ensure_image()
    with step("costs on the emulated board"):
        found = run(image.elf, SMALL)
        for name, over in _OTHER_SITES.items():
            found[name] = run(image.elf, over, _HEAP)["heap_peak_bytes"]
    found["frozen_bytes"] = image.text_bytes
    FOUND.write_text(json.dumps(found, indent=1, sort_keys=True) + "\n")
    return found


def run(elf: Path, over: dict[str, Any], what: str = _HEAP + _STEPS) -> dict[str, float]:
    """One run of the board, `over` laid over its site; UserError when it told nothing."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        memory = Memory(folder / "memory")
        config = files_of(tree_of(SITE, over))
        modules = {module: (ROOT / module).read_bytes() for module in _MODULES}
        memory.format("root", modules | config | {"main.py": (what + _END).encode()})
        memory.format("config", config)
        memory.format("data")
        with Machine(elf, memory, folder, more=ICOUNT) as machine:
            machine.wait(_PATIENCE_S)
            said = machine.said()
        frames = memory.frames_bytes()
        memory.close()
    found: dict[str, float] = {}
    for line in said.splitlines():
        mark, _, rest = line.partition(" ")
        if mark in _MARKS:
            found |= json.loads(rest)
    if found:
        figures = {_name(key): _figure(key, value) for key, value in found.items()}
        return figures | {"frames_peak_bytes": frames}
    last = (said.strip().splitlines() or ["nothing"])[-1]
    raise UserError(f"the emulated board measured nothing; its last words: {last}")


def _name(key: str) -> str:
    return key if key.endswith("bytes") else f"instructions_{key}"


def _figure(key: str, value: float) -> float:
    """Bytes, or ticks of the board's timer as instructions."""
    return value if key.endswith("bytes") else round(value * _TICK_NS / 2**ICOUNT_SHIFT)


def growth(now: dict[str, float], before: dict[str, float]) -> list[str]:
    """A line for each figure that grew by more than GROWTH, or that one side does not have."""
    found = []
    for name in sorted(now.keys() | before.keys()):
        if name not in now or name not in before:
            found.append(f"{name}: only {'measured' if name in now else 'in the baseline'}")
        elif now[name] > before[name] * (1 + GROWTH):
            found.append(f"{name}: {now[name]:.0f}, was {before[name]:.0f}")
    return found


def baseline(path: Path = BASELINE) -> dict[str, float]:
    """What is committed."""
    return dict(json.loads(path.read_text()))
