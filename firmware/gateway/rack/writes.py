"""What a register map lets the gateway write: open the contactor, lower a limit, sign of life.

There is no write that closes a contactor: a map may describe one, the firmware does not hold it.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from array import array

CONSTANT, COUNTER, TOGGLE = range(3)  # kinds of heartbeat
NO_LIMIT = 0xFFFF  # a granted current that limits nothing


class Write:
    """A command: `values` to `address`, repeated every `retry_ms`, `tries` times (0 = no end).

    `expected` is what summary slot `slot` reads once it has worked. `fixed`: the address does not
    move with the position of the rack.
    """

    def __init__(self, row: tuple[object, ...]) -> None:
        self.name: str
        self.function: int
        self.address: int
        self.values: tuple[int, ...]
        self.retry_ms: int
        self.tries: int
        self.slot: int
        self.expected: int
        self.when_slot: int
        self.when_values: tuple[int, ...]
        self.fixed: bool
        (
            self.name, self.function, self.address, self.values, self.retry_ms, self.tries,
            self.slot, self.expected, self.when_slot, self.when_values, self.fixed,
        ) = row  # type: ignore[assignment]  # fmt: skip

    def done(self, summary: array[int]) -> bool:
        """Whether the summary shows that it has worked; False when the map names no proof."""
        return self.slot >= 0 and summary[self.slot] == self.expected

    def allowed(self, summary: array[int]) -> bool:
        """Whether the map allows it in this state (interlock)."""
        return self.when_slot < 0 or summary[self.when_slot] in self.when_values


class Heartbeat:
    """A register to be written at least every `period_ms`.

    `kind` CONSTANT writes `value` each time, COUNTER adds 1, TOGGLE changes the bits of `value`.
    """

    def __init__(self, row: tuple[int, ...]) -> None:
        self.function, self.address, self.kind, self.value, self.period_ms, self.fixed = row

    def after(self, value: int) -> int:
        """What to write after `value`."""
        if self.kind == COUNTER:
            return (value + 1) & 0xFFFF
        return value ^ self.value if self.kind == TOGGLE else self.value


class LimitWrite:
    """A register for the highest current that the gateway grants, in one direction."""

    def __init__(self, row: tuple[int, ...]) -> None:
        (
            self.function, self.address, self._numerator, self._denominator,
            self._lowest, self._highest, self.no_limit, self.fixed,
        ) = row  # fmt: skip

    def encode(self, limit_da: int) -> int:
        """Raw register of a limit in 0.1 A, never more than it; `no_limit` for NO_LIMIT.

        What the register cannot hold is cut towards no current, never away from it.
        """
        if limit_da == NO_LIMIT:
            return self.no_limit
        # Rounded towards zero whichever sign the register has: a limit may only be reduced.
        size = limit_da * abs(self._numerator) // self._denominator
        if self._numerator > 0:
            raw = max(0, min(size, self._highest))
        else:
            raw = min(0, max(-size, self._lowest))
        if raw & 0xFFFF == self.no_limit:  # would mean "not limited"
            raw -= 1 if raw > 0 else -1
        return raw & 0xFFFF
