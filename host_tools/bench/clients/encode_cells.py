"""Frames of one rack's cells into the codec's bytes.

    encode_cells.py FILE CELLS REPEATS

FILE holds the frames, 16 bits per cell, little endian. Reports microseconds per frame: as the
gateway does it on this interpreter, with the machine code turned off, and json.dumps of a list.
"""

from __future__ import annotations

import json
import sys
from array import array

from gateway.telemetry import cell_codec_viper
from gateway.telemetry.cell_codec import CellEncoder
from host_tools.bench.clients.measure import micros, report

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    Runs = dict[str, tuple[Callable[[int], None], int]]

CHUNK = 60  # frames of the file
LOOPS = ("_fill", "_mean", "_predict", "_count_bits", "_write_rests")


def use_bytecode() -> None:
    """Put the codec's loops in place as bytecode: the same source without `viper`."""
    with open(str(cell_codec_viper.__file__)) as file:
        source = file.read().replace("@micropython.viper\n", "")
    names: dict[str, object] = {"__name__": "loops"}
    exec(source, names)
    for name in LOOPS:
        setattr(cell_codec_viper, name, names[name])


def per_frame_us(runs: Runs, repeats: int) -> dict[str, float]:
    """Microseconds per frame, the median of all repeats, of runs over so many frames.

    They take turns and last about as long as each other, so that a machine that is busy besides
    interrupts all of them alike, and seldom.
    """
    found: dict[str, list[int]] = {name: [] for name in runs}
    for _ in range(repeats):
        for name, (run, frames) in runs.items():
            start = micros()
            run(frames)
            found[name].append(micros() - start)
    return {name: sorted(us)[repeats // 2] / runs[name][1] for name, us in found.items()}


def read_frames(path: str, cells: int) -> list[array[int]]:
    """All frames of the file."""
    frames: list[array[int]] = []
    with open(path, "rb") as file:
        while True:
            data = file.read(2 * cells)
            if not data:
                return frames
            frames.append(array("H", data))


def main(path: str, cells: int, repeats: int) -> None:
    """Measure and report."""
    frames = read_frames(path, cells)
    lists = [list(frame) for frame in frames]
    encoder = CellEncoder(cells)
    out = bytearray(encoder.largest)

    def encode(count: int) -> None:
        for index in range(count):
            encoder.encode(frames[index], index == 0 and count == CHUNK, out, 0)

    def dump(count: int) -> None:
        for index in range(count):
            json.dumps(lists[index])

    encode(CHUNK)
    last = bytes(out)
    runs: Runs = {"used": (encode, CHUNK), "json": (dump, CHUNK // 4)}
    result = per_frame_us(runs, repeats)
    use_bytecode()
    encode(CHUNK)
    if bytes(out) != last:
        sys.exit("bytecode and machine code differ")
    result.update(per_frame_us({"bytecode": (encode, 1)}, repeats))
    report({"us_per_frame": result})


main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
