"""Blocks of a register map as one request each, or as several once the device refused it.

A device that answers "illegal data address" to a block does not tell which register it means. The
block is then asked for in halves until the single register is found; that one is left out, the
others go on being read.
"""

from __future__ import annotations

from micropython import const

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gateway.modbus.link import Link
    from gateway.modbus.pdu import Request
    from gateway.rack.fields_bind import Block
    from gateway.rack.unit_address import UnitAddress

_REGISTERS = (3, 4)
_MOST_PARTS = const(32)  # then the block is given up: this is no device of that map
_MOST_HEAD_BYTES = const(9)  # before the registers of an answer


class BlockReads:
    """Reads each block of one rack in as many requests as it takes; in the usual case one.

    Allocates nothing in that case. Requests as of a UnitAddress.
    """

    def __init__(self, address: UnitAddress) -> None:
        self.address = address
        self._cuts: dict[Block, _Cut] = {}  # of the blocks that are not read in one request

    def request(self, block: Block) -> Request:
        """What is to be sent next; only when not `empty`."""
        cut = self._cuts.get(block)
        if cut is None:
            return self.address.read(block, 0, block.count)
        offset, count = cut.parts[cut.next]
        return self.address.read(block, offset, count)

    def transfer_ms(self, block: Block, link: Link) -> int:
        """How long reading all of it takes."""
        cut = self._cuts.get(block)
        if cut is None:
            return link.transfer_ms(self.request(block))
        total_ms = 0
        for offset, count in cut.parts:
            total_ms += link.transfer_ms(self.address.read(block, offset, count))
        return total_ms

    def restore(self, block: Block) -> None:
        """Ask for the whole block again, forgetting what was missing."""
        if block in self._cuts:
            del self._cuts[block]

    def under_way(self, block: Block) -> bool:
        """Some parts have been read, others not yet."""
        cut = self._cuts.get(block)
        return cut is not None and cut.next > 0

    def empty(self, block: Block) -> bool:
        """Nothing of this block exists in this device."""
        cut = self._cuts.get(block)
        return cut is not None and not cut.parts

    def give_up(self, block: Block) -> None:
        """Nothing of it exists: it is `empty` until it is restored."""
        cut = self._cuts[block] = _Cut(0)
        cut.parts = []

    def rewind(self, block: Block) -> None:
        """Begin again with the first part."""
        cut = self._cuts.get(block)
        if cut is not None:
            cut.next = 0

    def take(self, block: Block, buffer: bytearray, start: int) -> bytearray | None:
        """The answer to `request` came, its registers stand in `buffer` at `start`.

        Where the whole block stands at `start`, until the next call; None while parts are missing.
        """
        cut = self._cuts.get(block)
        return buffer if cut is None else cut.take(buffer, start)

    def refused(
        self, block: Block, avoid: tuple[int, ...], joined: tuple[int, ...]
    ) -> tuple[int, int]:
        """`request` was answered by "illegal data address": ask for less from now on.

        `avoid`: counts of registers that only probes may ask for. `joined`: offsets of registers
        that are never read without the one before them. Returns (first address, count) of
        registers that now are known to be missing, count 0 when none is yet. Allocates; happens
        once per missing register.
        """
        cut = self._cuts.get(block)
        if cut is None:
            cut = self._cuts[block] = _Cut(block.count)
        if block.function not in _REGISTERS or len(cut.parts) >= _MOST_PARTS:
            self.give_up(block)
            return block.address, block.count
        offset, count = cut.parts[cut.next]
        pieces = _pieces(offset, count, avoid, joined)
        if len(pieces) == 1:
            if cut.doubtful != offset:  # one refusal is no proof, it may be of something else
                cut.doubtful = offset
                return 0, 0
            pieces = []
        cut.replace(pieces)
        return (0, 0) if pieces else (block.address + offset, count)


class _Cut:
    """A block of `count` registers in parts (offset, count), put together in `copy`."""

    def __init__(self, count: int) -> None:
        self.parts = [(0, count)]
        self.copy = bytearray(_MOST_HEAD_BYTES + 2 * count)
        self.next = 0  # of `parts`, to be asked for
        self.doubtful = -1  # offset of a register that was refused once

    def replace(self, pieces: list[tuple[int, int]]) -> None:
        """Ask for `pieces` in place of the next part."""
        self.parts[self.next : self.next + 1] = pieces
        if self.next >= len(self.parts):
            self.next = 0

    def take(self, buffer: bytearray, start: int) -> bytearray | None:
        """The next part stands at `start`; all of them, when that was the last one."""
        offset, count = self.parts[self.next]
        if offset == self.doubtful:
            self.doubtful = -1  # it is there after all
        for index in range(start, start + 2 * count):
            self.copy[2 * offset + index] = buffer[index]
        self.next += 1
        if self.next < len(self.parts):
            return None
        self.next = 0
        return self.copy


def _pieces(
    offset: int, count: int, avoid: tuple[int, ...], joined: tuple[int, ...]
) -> list[tuple[int, int]]:
    """Two halves, or nearly, so that none has as many registers as a probe and no value is torn.

    The same again when it cannot be cut.
    """
    for half in range(count // 2, 0, -1):
        if half not in avoid and count - half not in avoid and offset + half not in joined:
            return [(offset, half), (offset + half, count - half)]
    cuts = [offset + index for index in range(count) if offset + index not in joined or index == 0]
    ends = cuts[1:] + [offset + count]
    return [(begin, end - begin) for begin, end in zip(cuts, ends)]
