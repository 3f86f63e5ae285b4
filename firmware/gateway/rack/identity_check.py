"""Is it the BMS that the map describes? Asked before anything it says is believed."""

from __future__ import annotations

from micropython import const

from gateway.clock import add, diff

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gateway.rack.data import RackData
    from gateway.rack.fields_bind import Block
    from gateway.rack.register_map import RegisterMap

_RETRY_MS = const(30000)
_BUSY_MS = const(1000)
_ILLEGAL_ADDRESS = const(2)  # with code 1, illegal function: what is asked for is not there


class IdentityCheck:
    """`passed` once every block was read and fits; a map without such blocks always passes.

    What does not fit stands in the rack's `identity_problem`, and is tried again now and then.
    """

    def __init__(self, register_map: RegisterMap, data: RackData, now: int) -> None:
        self._map = register_map
        self._data = data
        self._next = 0
        self._due = now

    @property
    def passed(self) -> bool:
        """Everything fits."""
        return self._next == len(self._map.once)

    def is_due(self, now: int) -> bool:
        """Whether `block` should be read now."""
        return not self.passed and diff(now, self._due) >= 0

    @property
    def block(self) -> Block:
        """To be read next; only while not `passed`."""
        return self._map.once[self._next]

    def take(self, buffer: bytearray, start: int, now: int) -> bool:
        """Judge the registers of `block`; False when they do not fit."""
        problem = self._map.identity_problem(self._data, self.block, buffer, start)
        if problem:
            return self._fail(problem, now)
        self._next += 1
        if self.passed:
            self._data.identity_problem = ""
        return True

    def refused(self, code: int, now: int) -> bool:
        """The device answered `block` with an exception; False when that shows another device."""
        if code > _ILLEGAL_ADDRESS:
            self._due = add(now, _BUSY_MS)
            return True
        if self.block.optional:
            self._next += 1
            return True
        return self._fail("no registers at 0x%04X" % self.block.address, now)

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
