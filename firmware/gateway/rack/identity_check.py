"""Is it the BMS that the map describes? Asked before anything it says is believed."""

from __future__ import annotations

from gateway.clock import add, diff
from gateway.rack.block_read import BlockRead

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gateway.rack.block_read import UnitAddress
    from gateway.rack.data import RackData
    from gateway.rack.register_map import RegisterMap

_RETRY_MS = 30000
_BUSY_MS = 1000
_ILLEGAL_ADDRESS = 2  # with code 1, illegal function: what is asked for is not there


class IdentityCheck:
    """`passed` once every block was read and fits; a map without such blocks always passes.

    What does not fit stands in the rack's `identity_problem`, and is tried again now and then.
    """

    def __init__(
        self, register_map: RegisterMap, data: RackData, address: UnitAddress, now: int
    ) -> None:
        self.reads = tuple([BlockRead(block, address) for block in register_map.once])
        self._map = register_map
        self._data = data
        self._next = 0
        self._due = now

    @property
    def passed(self) -> bool:
        """Everything fits."""
        return self._next == len(self.reads)

    def is_due(self, now: int) -> bool:
        """Whether `read` should be sent now."""
        return not self.passed and diff(now, self._due) >= 0

    @property
    def read(self) -> BlockRead:
        """The block to read next; only while not `passed`."""
        return self.reads[self._next]

    def take(self, buffer: bytearray, start: int, now: int) -> bool:
        """Judge the registers of `read`; False when they do not fit."""
        problem = self._map.identity_problem(self._data, self.read.block, buffer, start)
        if problem:
            return self._fail(problem, now)
        self._next += 1
        if self.passed:
            self._data.identity_problem = ""
        return True

    def refused(self, code: int, now: int) -> bool:
        """The device answered `read` with an exception; False when that shows another device."""
        if code > _ILLEGAL_ADDRESS:
            self._due = add(now, _BUSY_MS)
            return True
        if self.read.block.optional:
            self._next += 1
            return True
        return self._fail("no registers at 0x%04X" % self.read.block.address, now)

    def restart(self, now: int) -> None:
        """It may be another device now."""
        self._next = 0
        self._due = now

    def keep_comparable(self, now: int) -> None:
        """What has been due for long is due now."""
        if diff(now, self._due) > 0:
            self._due = now

    def _fail(self, problem: str, now: int) -> bool:
        self._data.identity_problem = problem
        self._due = add(now, _RETRY_MS)
        return False
