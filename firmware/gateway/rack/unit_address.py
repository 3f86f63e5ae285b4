"""Where on its bus one rack is, and the requests that go there."""

from __future__ import annotations

from gateway.modbus.pdu import WRITE_SINGLE_COIL

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from gateway.modbus.pdu import Request
    from gateway.modbus.reply_time import ReplyTime
    from gateway.modbus.requests import Requests
    from gateway.rack.fields_bind import Block
    from gateway.rack.probes import Probes
    from gateway.rack.unit_health import UnitHealth

PLACES = 16


class UnitAddress:
    """What all requests of one rack to its unit have in common.

    `requests`, those of the link. `shift` is added to the addresses of blocks that move with the
    position of the rack. `probe_time` is how long a unit that is down is waited for: short, so
    that its probes find room between the summaries of the others. All units of a line share it:
    its deadline is fixed, and nobody goes by the latency that it measures, for a probe needs room
    for its whole deadline.

    A request is good until the next one of any rack on the link is taken: they are to be called
    only while nothing is under way. They allocate for a function that was never asked for before.
    """

    def __init__(
        self,
        requests: Requests,
        unit: int,
        shift: int,
        reply_time: ReplyTime,
        probe_time: ReplyTime,
        health: UnitHealth,
    ) -> None:
        self._requests = requests
        self._unit = unit
        self._shift = shift
        self._reply_time = reply_time
        self._probe_time = probe_time
        self.health = health
        self._probe = 0  # which of the blocks for probes is in use

    @property
    def place(self) -> int:
        """0 .. PLACES - 1: spreads what the racks of a line do seldom over its period."""
        return 5 * (self._unit + self._shift // 256) % PLACES

    def read(self, block: Block, offset: int, count: int) -> Request:
        """For a part of `block`."""
        address = block.address + offset + (0 if block.fixed else self._shift)
        return self._requests.read(self._unit, block.function, address, count, self._reply_time)

    def probe(self, probes: Probes) -> Request:
        """A short one that shows whether the unit is back, and owes no older answer.

        With the deadline of a probe, unless the unit is to be waited for patiently.
        """
        health = self.health
        count = probes.counts[health.doubts & 1]
        request = self.read(probes.blocks[self._probe % len(probes.blocks)], 0, count)
        if not health.patient:
            request.reply_time = self._probe_time
        return request

    def probe_elsewhere(self) -> None:
        """The block in use was refused: take the next one."""
        self._probe = (self._probe + 1) & 0xFF

    def write(self, function: int, register: int, values: Sequence[int], fixed: bool) -> Request:
        """For `values` to `register`, in the block of this rack unless `fixed`."""
        address = register if fixed else register + self._shift
        if function == WRITE_SINGLE_COIL:
            return self._requests.coil(self._unit, address, values[0] != 0, self._reply_time)
        request = self._requests.write(
            self._unit, function, address, len(values), self._reply_time
        )
        for index in range(len(values)):
            request.set_value(index, values[index])
        return request
