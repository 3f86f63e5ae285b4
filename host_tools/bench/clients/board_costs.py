"""What the gateway's steps cost the emulated board, in ticks of its finest clock.

Imported by the board's main.py after board_heap, under -icount, with the configuration of a whole
site on its flash: the parts are the firmware's own, no bus answers. Nothing is random and the date
is always the same, so the same image counts the same. Prints one line of JSON.
"""

from __future__ import annotations

import asyncio
import gc
import json
import sys
from array import array
from time import ticks_cpu, ticks_diff  # type: ignore[attr-defined]

from host_tools.bench.clients.board_heap import parts

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

_ROUNDS = 20
_HOLD = 80  # summaries, until the currents have begun to rise
_FRAME_BYTES = 256
_CHUNK = 20


def batch_ticks(run: Callable[[], object], rounds: int) -> int:
    """Ticks of so many runs, after one to warm up; no garbage is collected meanwhile."""
    run()
    batch = range(rounds)
    gc.collect()
    gc.disable()
    start = ticks_cpu()
    for _ in batch:
        run()
    elapsed = ticks_diff(ticks_cpu(), start)
    gc.enable()
    return int(elapsed)


def mean_ticks(run: Callable[[], object], rounds: int = _ROUNDS) -> int:
    """Ticks of one run, without the loop around it and the call."""
    return (batch_ticks(run, rounds) - batch_ticks(lambda: None, rounds)) // rounds


def steps(parts: Any, found: dict[str, Any]) -> None:
    """Steps of the made gateway; between two of the same ticks nothing is due."""
    enforcer = parts.enforcer
    now = parts.clock.ticks()
    enforcer.step(now)
    found["idle_step"] = mean_ticks(lambda: enforcer.step(now))

    async def turns() -> int:
        start = ticks_cpu()
        for _ in range(_ROUNDS):
            await asyncio.sleep_ms(0)  # type: ignore[attr-defined]
        return int(ticks_diff(ticks_cpu(), start)) // _ROUNDS

    found["idle_cycle"] = found["idle_step"] + asyncio.run(turns())
    gc.collect()
    start = ticks_cpu()
    gc.collect()
    found["garbage_collection"] = ticks_diff(ticks_cpu(), start)


def protection(found: dict[str, Any]) -> None:
    """One rack's: with a fresh summary, 50 ms later, and with whole scans.

    While the currents rise, one of the steps of a second judges; later none does.
    """
    from gateway.config import file as config_file
    from host_tools.bench.clients.protection_step import Rack

    class Files:
        """The configuration beside this script."""

        def open(self, name: str, mode: str) -> Any:
            return open("/" + name, mode)

    rack = Rack(config_file.load(Files()))  # type: ignore[arg-type]
    for _ in range(_HOLD):
        rack.fresh()
    putting = mean_ticks(rack.answer)
    rack.fresh()
    found["protection_rising"] = mean_ticks(rack.between, 19)
    rack.rise()
    found["protection_fresh"] = mean_ticks(rack.fresh) - putting
    found["protection_per_rack"] = mean_ticks(rack.between, 9)
    found["protection_scans"] = mean_ticks(rack.scans) - putting


def arrays(found: dict[str, Any], cells: int) -> None:
    """Decoding registers, the codec, the checksum of a frame."""
    from gateway.modbus.crc16 import crc16
    from gateway.rack.data import RackData
    from gateway.rack.maps import generic_416s
    from gateway.rack.register_map import RegisterMap
    from gateway.telemetry.cell_codec import CellEncoder

    register_map = RegisterMap(generic_416s, cells, cells // 2)
    data = RackData(0, "rack", cells, cells // 2, 1000, 0)
    answer = bytearray(_FRAME_BYTES + 2)
    for index in range(0, len(answer), 2):
        answer[index], answer[index + 1] = 3300 >> 8, 3300 & 0xFF

    def decode() -> None:
        for block in register_map.cells:
            register_map.decode_array(data, block, answer, 3)

    found["decode_per_416_cells"] = mean_ticks(decode)
    encoder = CellEncoder(cells)
    out = bytearray(encoder.largest)
    frames = [
        array("H", [3300 + (cell * 7 + frame * 3) % 11 for cell in range(cells)])
        for frame in range(_CHUNK)
    ]

    def encode() -> None:
        for frame in frames:
            encoder.encode(frame, frame is frames[0], out, 0)

    found["codec_per_frame"] = mean_ticks(encode, 3) // _CHUNK
    found["crc16_per_256B"] = mean_ticks(lambda: crc16(answer, 0, _FRAME_BYTES))


def main(cells: int) -> None:
    """Measure everything."""
    found: dict[str, Any] = {}
    steps(parts, found)
    protection(found)
    arrays(found, cells)
    print("COSTS", json.dumps(found))


try:
    main(416)
except BaseException as error:  # noqa: BLE001 - the emulator must end
    sys.print_exception(error)  # type: ignore[attr-defined]
