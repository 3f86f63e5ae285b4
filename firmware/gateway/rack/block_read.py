"""One block of a register map as one request, or as several once the device refused it.

A device that answers "illegal data address" to a block does not tell which register it means. The
block is then asked for in halves until the single register is found; that one is left out, the
others go on being read.
"""

from __future__ import annotations

from gateway.modbus.pdu import read_request

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gateway.modbus.pdu import Request
    from gateway.modbus.reply_time import ReplyTime
    from gateway.rack.fields_bind import Block
    from gateway.rack.unit_health import UnitHealth

PLACES = 16
_REGISTERS = (3, 4)
_MOST_PARTS = 32  # then the block is given up: this is no device of that map


class UnitAddress:
    """What all requests of one rack to its unit have in common.

    `shift` is added to the addresses of blocks that move with the position of the rack.
    `probe_time` is how long a unit that is down is waited for: short, so that its probes find room
    between the summaries of the others. `probe_counts`: so many registers are asked for by probes
    and by no other request, so that an answer to a probe is told apart by its length. `place`
    (0 .. PLACES - 1) spreads what the racks of a line do seldom over its period.
    """

    def __init__(
        self,
        framing: int,
        unit: int,
        shift: int,
        reply_time: ReplyTime,
        probe_time: ReplyTime,
        health: UnitHealth,
    ) -> None:
        self.framing = framing
        self.unit = unit
        self.shift = shift
        self.reply_time = reply_time
        self.probe_time = probe_time
        self.health = health
        self.probe_counts: tuple[int, ...] = ()
        self.place = 5 * (unit + shift // 256) % PLACES

    def read(self, block: Block, offset: int, count: int, short: bool = False) -> Request:
        """A request for a part of `block`; `short` with the deadline of a probe."""
        reply_time = self.probe_time if short else self.reply_time
        address = block.address + offset + (0 if block.fixed else self.shift)
        return read_request(self.framing, self.unit, block.function, address, count, reply_time)


class BlockRead:
    """Reads `block` in as many requests as it takes; in the usual case one, without allocation.

    After `take` returned True the whole block stands in `data` from `start` on. `joined`: offsets
    of registers that are never read without the one before them.
    """

    def __init__(self, block: Block, address: UnitAddress, joined: tuple[int, ...] = ()) -> None:
        self.block = block
        self._address = address
        self._joined = joined
        self.restore()

    def restore(self) -> None:
        """Ask for the whole block again, forgetting what was missing."""
        block = self.block
        self._parts = [(0, block.count)]
        self._requests = [self._address.read(block, 0, block.count)]
        self._next = 0
        self._copy: bytearray | None = None
        self._doubtful = -1  # offset of a register that was refused once
        self.missing = 0  # registers that do not exist in this device
        self.data = bytearray()
        self.start = 0

    @property
    def request(self) -> Request:
        """What is to be sent next; only when not `empty`."""
        return self._requests[self._next]

    @property
    def requests(self) -> list[Request]:
        """All that it takes to read the block."""
        return self._requests

    @property
    def whole(self) -> bool:
        """It is read in one request, as it stands in the map."""
        return self._copy is None

    @property
    def under_way(self) -> bool:
        """Some parts have been read, others not yet."""
        return self._next > 0

    @property
    def empty(self) -> bool:
        """Nothing of this block exists in this device."""
        return not self._requests

    def give_up(self) -> None:
        """Nothing of it exists: it is `empty` until it is restored."""
        self._parts = []
        self._requests = []
        self._next = 0
        self._copy = bytearray()
        self.missing = self.block.count

    def rewind(self) -> None:
        """Begin again with the first part."""
        self._next = 0

    def take(self, buffer: bytearray, start: int) -> bool:
        """The answer to `request` came, its registers stand at `start`; True = block complete."""
        if self._copy is None:
            self.data = buffer
            self.start = start
            return True
        offset, count = self._parts[self._next]
        if offset == self._doubtful:
            self._doubtful = -1  # it is there after all
        for index in range(2 * count):
            self._copy[2 * offset + index] = buffer[start + index]
        return self._advance()

    def refused(self) -> tuple[int, int]:
        """`request` was answered by "illegal data address": ask for less from now on.

        Returns (first address, count) of registers that now are known to be missing, count 0 when
        none is yet. Allocates; happens once per missing register.
        """
        block = self.block
        if block.function not in _REGISTERS or len(self._parts) >= _MOST_PARTS:
            self.give_up()
            return block.address, block.count
        if self._copy is None:
            self._copy = bytearray(2 * block.count)
            self.data = self._copy
            self.start = 0
        offset, count = self._parts[self._next]
        pieces = _pieces(offset, count, self._address.probe_counts, self._joined)
        if len(pieces) == 1:
            if self._doubtful != offset:  # one refusal is no proof, it may be of something else
                self._doubtful = offset
                return 0, 0
            pieces = []
            self.missing += count
        self._parts[self._next : self._next + 1] = pieces
        self._requests = [self._address.read(block, *part) for part in self._parts]
        if self._next >= len(self._parts):
            self._next = 0
        return (0, 0) if pieces else (block.address + offset, count)

    def _advance(self) -> bool:
        self._next += 1
        if self._next < len(self._requests):
            return False
        self._next = 0
        return True


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
