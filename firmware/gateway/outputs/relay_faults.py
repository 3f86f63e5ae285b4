"""What a driver of relays that reads them back may find wrong, in one integer; 0 = nothing.

The bits 0 to 15 are relays that do not follow their orders: such a driver has `RELAYS` at most.
"""

from __future__ import annotations

from micropython import const

RELAYS = 16
NO_ANSWER = 0x10000  # nobody knows how any relay stands
SUPPLY_LOST = 0x20000  # it dropped every relay, and keeps them open until a restart
UNOPENED = 0x40000  # a relay that shall be open may be closed: the bank's own, no driver tells it

_BITS = const(19)
# In passes of 50 ms. What fails is repeated in the next ones.
_SETTLED = const(10)
_CALM = const(200)  # what comes and goes must not switch the site relay each time


class SettledFaults:
    """`value`: the faults that were there in every pass for 0.5 s, each until it was gone in every
    pass for 10 s. A bit of its own each: one that comes and goes delays no other.

    SUPPLY_LOST is taken at once, its driver has made sure.
    """

    def __init__(self) -> None:
        self.value = 0
        self._passes = bytearray(_BITS)  # in a row that say otherwise than `value`
        self._steady = True  # no pass is counted

    def step(self, faults: int) -> None:
        """What a pass found; allocates nothing."""
        self.value |= faults & SUPPLY_LOST
        changes = faults ^ self.value
        if self._steady and not changes:
            return
        self._steady = not changes
        for number in range(_BITS):
            bit = 1 << number
            if not changes & bit:
                self._passes[number] = 0
                continue
            self._passes[number] += 1
            if self._passes[number] >= (_SETTLED if faults & bit else _CALM):
                self._passes[number] = 0
                self.value ^= bit


def text(faults: int) -> str:
    """For a person; "" for none."""
    if faults & SUPPLY_LOST:
        return "their driver had lost its supply: open until a restart"
    if faults & NO_ANSWER:
        return "their driver does not answer: nothing can be opened or closed"
    numbers = [str(number) for number in range(RELAYS) if faults >> number & 1]
    if not numbers:
        return ""
    return "output %s does not follow its orders" % " and ".join(numbers)
