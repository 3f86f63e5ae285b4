"""One block of a register map as one request, or as several once the device refused it.

A device that answers "illegal data address" to a block does not tell which register it means. The
block is then asked for in halves until the single register is found; that one is left out, the
others go on being read.
"""

from __future__ import annotations

from gateway.modbus.pdu import read_request

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gateway.modbus.link import Link
    from gateway.modbus.pdu import Request
    from gateway.modbus.reply_time import ReplyTime
    from gateway.rack.fields_bind import Block
    from gateway.rack.unit_health import UnitHealth

PLACES = 16
_REGISTERS = (3, 4)
_MOST_PARTS = 32  # then the block is given up: this is no device of that map
_NOTHING = bytearray()


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
        self._requests: dict[int, Request] = {}  # by function

    def read(self, block: Block, offset: int, count: int, short: bool = False) -> Request:
        """The request for a part of `block`; `short` with the deadline of a probe.

        A bus carries one request at a time, so all reads of a rack share it: to be called only
        while nothing is under way, and good until the next call. Allocates for a function that it
        was not called with before.
        """
        reply_time = self.probe_time if short else self.reply_time
        address = block.address + offset + (0 if block.fixed else self.shift)
        function = block.function
        if function not in self._requests:
            self._requests[function] = read_request(
                self.framing, self.unit, function, address, count, reply_time
            )
        request = self._requests[function]
        request.aim(address, count, reply_time)
        return request


class BlockRead:
    """Reads `block` in as many requests as it takes; in the usual case one, without allocation.

    After `take` returned True the whole block stands in `data` from `start` on.
    """

    def __init__(self, block: Block, address: UnitAddress) -> None:
        self.block = block
        self.data = _NOTHING
        self.start = 0
        self._address = address
        self._cut: _Cut | None = None
        self.request()  # a block that cannot be asked for is found at the start

    def restore(self) -> None:
        """Ask for the whole block again, forgetting what was missing."""
        self._cut = None

    def request(self) -> Request:
        """What is to be sent next; only when not `empty`, and as `UnitAddress.read`."""
        cut = self._cut
        if cut is None:
            return self._address.read(self.block, 0, self.block.count)
        offset, count = cut.parts[cut.next]
        return self._address.read(self.block, offset, count)

    def transfer_ms(self, link: Link) -> int:
        """How long reading all of it takes; to be called as `request`."""
        cut = self._cut
        if cut is None:
            return link.transfer_ms(self.request())
        total_ms = 0
        for offset, count in cut.parts:
            total_ms += link.transfer_ms(self._address.read(self.block, offset, count))
        return total_ms

    @property
    def whole(self) -> bool:
        """It is read in one request, as it stands in the map."""
        return self._cut is None

    @property
    def under_way(self) -> bool:
        """Some parts have been read, others not yet."""
        return self._cut is not None and self._cut.next > 0

    @property
    def empty(self) -> bool:
        """Nothing of this block exists in this device."""
        return self._cut is not None and not self._cut.parts

    def give_up(self) -> None:
        """Nothing of it exists: it is `empty` until it is restored."""
        self._cut = _Cut(0)
        self._cut.parts = []

    def rewind(self) -> None:
        """Begin again with the first part."""
        if self._cut is not None:
            self._cut.next = 0

    def take(self, buffer: bytearray, start: int) -> bool:
        """The answer to `request` came, its registers stand at `start`; True = block complete."""
        cut = self._cut
        if cut is None:
            self.data = buffer
            self.start = start
            return True
        self.data = cut.copy
        self.start = 0
        return cut.take(buffer, start)

    def refused(self, joined: tuple[int, ...]) -> tuple[int, int]:
        """`request` was answered by "illegal data address": ask for less from now on.

        `joined`: offsets of registers that are never read without the one before them. Returns
        (first address, count) of registers that now are known to be missing, count 0 when none is
        yet. Allocates; happens once per missing register.
        """
        block = self.block
        cut = self._cut
        if cut is None:
            cut = self._cut = _Cut(block.count)
        if block.function not in _REGISTERS or len(cut.parts) >= _MOST_PARTS:
            self.give_up()
            return block.address, block.count
        offset, count = cut.parts[cut.next]
        pieces = _pieces(offset, count, self._address.probe_counts, joined)
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
        self.copy = bytearray(2 * count)
        self.next = 0  # of `parts`, to be asked for
        self.doubtful = -1  # offset of a register that was refused once

    def replace(self, pieces: list[tuple[int, int]]) -> None:
        """Ask for `pieces` in place of the next part."""
        self.parts[self.next : self.next + 1] = pieces
        if self.next >= len(self.parts):
            self.next = 0

    def take(self, buffer: bytearray, start: int) -> bool:
        """The next part stands at `start`; True when that was the last one."""
        offset, count = self.parts[self.next]
        if offset == self.doubtful:
            self.doubtful = -1  # it is there after all
        for index in range(2 * count):
            self.copy[2 * offset + index] = buffer[start + index]
        self.next += 1
        if self.next < len(self.parts):
            return False
        self.next = 0
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
