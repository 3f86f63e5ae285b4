"""Short requests that show whether a unit is back, and owes no older answer (note 0009)."""

from __future__ import annotations

from gateway.errors import ConfigError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from gateway.modbus.pdu import Request
    from gateway.rack.block_read import BlockRead, UnitAddress

_PROBE_BLOCKS = 4  # a probe that is refused is tried on the next one


class Probes:
    """Reads of two lengths that no other answer of this unit has, in one of a few blocks.

    A few, as the registers at the beginning of one may not exist in a device. ConfigError when
    `reads`, all that is ever read of the rack, leave no length free.
    """

    def __init__(self, reads: Sequence[BlockRead], address: UnitAddress) -> None:
        self._address = address
        taken = [read.block.count for read in reads]
        blocks = [read.block for read in reads]
        longest = max([block.count for block in blocks])
        free = [count for count in range(2, longest) if count not in taken]
        blocks = [block for block in blocks if len(free) > 1 and block.count > free[1]]
        if not blocks:
            raise ConfigError("register map: blocks too short to probe a unit with")
        address.probe_counts = (free[0], free[1])
        self._blocks = tuple(blocks[:_PROBE_BLOCKS])
        self._block = 0

    def request(self) -> Request:
        """The one to send now, as `UnitAddress.read`."""
        address = self._address
        count = address.probe_counts[address.health.doubts & 1]
        return address.read(self._blocks[self._block], 0, count, not address.health.patient)

    def use_next_block(self) -> None:
        """The one in use was refused."""
        self._block = (self._block + 1) % len(self._blocks)
