"""Which reads cover the registers that are wanted: as few as possible, none where none may be.

Pure functions on numbers; what the registers mean is the map's business.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    Run = tuple[int, int, int]
    Span = tuple[int, int]


def plan(
    runs: Iterable[Run], barriers: Iterable[Span], hole_registers: int, max_block: int
) -> list[Span]:
    """Reads (address, count) that cover every register of `runs` exactly once, in rising order.

    A run is (address, count, atom): `count` wanted registers, a multiple of `atom`; the `atom`
    registers that belong together are never split over two reads. A barrier is (first, end): no
    read touches a register of first..end-1 or goes from first-1 on to first; with end == first it
    only ends a read there. At most `hole_registers` unwanted registers in a row are read over to
    save a request. Reads of one stretch are of about equal length, so that none of them blocks a
    bus for long. ValueError when a barrier stands inside an atom, runs overlap or an atom exceeds
    `max_block`. Allocates; for the start.
    """
    cut = _cut(sorted(runs), sorted(barriers))
    reads: list[Span] = []
    begin = 0
    for index in range(1, len(cut) + 1):
        if index == len(cut) or cut[index][3] or _gap(cut, index) > hole_registers:
            reads += _share(cut[begin:index], max_block)
            begin = index
    return reads


def _gap(cut: list[tuple[int, int, int, bool]], index: int) -> int:
    return cut[index][0] - cut[index - 1][0] - cut[index - 1][1]


def _cut(runs: list[Run], barriers: list[Span]) -> list[tuple[int, int, int, bool]]:
    """Runs cut at the barriers: (address, count, atom, a barrier stands before it)."""
    cut = []
    end_before = -1
    for address, count, atom in runs:
        end = address + count
        if address < end_before or count % atom:
            raise ValueError("registers at 0x%04X overlap or make no whole atoms" % address)
        barred = False
        for first, last in barriers:
            if first >= end:
                break
            if last > first and last > address:
                raise ValueError("a barrier covers wanted registers at 0x%04X" % address)
            if end_before <= first <= address:
                barred = True
            elif address < first:
                if (first - address) % atom:
                    raise ValueError("a barrier splits the atom at 0x%04X" % address)
                cut.append((address, first - address, atom, barred))
                address = first
                barred = True
        cut.append((address, end - address, atom, barred))
        end_before = end
    return cut


def _share(stretch: list[tuple[int, int, int, bool]], max_block: int) -> list[Span]:
    """Even reads of one stretch without barriers; holes at the ends of a read are left out."""
    total = stretch[-1][0] + stretch[-1][1] - stretch[0][0]
    wanted = -(-total // max_block)
    reads = _fill(stretch, -(-total // wanted))
    # Large atoms or holes may not fit evenly; then the fullest reads make the fewest.
    return reads if len(reads) == wanted else _fill(stretch, max_block, max_block)


def _fill(stretch: list[tuple[int, int, int, bool]], limit: int, max_block: int = 0) -> list[Span]:
    """Reads of at most `limit` registers; without `max_block`, an atom beyond it ends the try."""
    reads = []
    begin = end = stretch[0][0]
    for address, count, atom, _ in stretch:
        if atom > limit:
            if max_block:
                raise ValueError("%d registers that belong together at 0x%04X" % (atom, address))
            return []
        stop = address + count
        while address < stop:
            room = begin + limit - address
            if end > begin and room < atom:
                reads.append((begin, end - begin))
                begin = end = address
                continue
            if end == begin:
                begin = address
                room = limit
            taken = min(room // atom * atom, stop - address)
            address += taken
            end = address
    reads.append((begin, end - begin))
    return reads
