"""Short requests that show whether a unit is back, and owes no older answer (note 0009)."""

from __future__ import annotations

from gateway.errors import ConfigError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gateway.modbus.pdu import Request
    from gateway.rack.block_read import BlockRead, UnitAddress

_PROBE_BLOCKS = 4  # a probe that is refused is tried on the next one


class Probes:
    """Reads of two lengths that no other answer of this unit has, in one of a few blocks.

    A few, as the registers at the beginning of one may not exist in a device. ConfigError when
    `reads`, all that is ever read of the rack, leave no length free.
    """

    def __init__(self, reads: list[BlockRead], address: UnitAddress) -> None:
        self._address = address
        taken = [read.block.count for read in reads]
        blocks = [read.block for read in reads]
        longest = max([block.count for block in blocks])
        free = [count for count in range(2, longest) if count not in taken]
        blocks = [block for block in blocks if len(free) > 1 and block.count > free[1]]
        if not blocks:
            raise ConfigError("register map: blocks too short to probe a unit with")
        address.probe_counts = (free[0], free[1])
        self._blocks = blocks[:_PROBE_BLOCKS]
        self._block = 0
        self._requests = self._make()

    @property
    def request(self) -> Request:
        """The one to send now."""
        health = self._address.health
        return self._requests[health.doubts & 1 | (0 if health.patient else 2)]

    def use_next_block(self) -> None:
        """The one in use was refused. Allocates."""
        self._block = (self._block + 1) % len(self._blocks)
        self._requests = self._make()

    def _make(self) -> list[Request]:
        """Both lengths with the deadline of any request, then both with a short one."""
        block = self._blocks[self._block]
        counts = self._address.probe_counts
        return [
            self._address.read(block, 0, count, short)
            for short in (False, True)
            for count in counts
        ]
