"""What a driver of relays that reads them back may find wrong, in one integer; 0 = nothing.

The bits 0 to 15 are relays that do not follow their orders.
"""

from __future__ import annotations

NO_ANSWER = 0x10000  # nobody knows how any relay stands
SUPPLY_LOST = 0x20000  # it dropped every relay, and keeps them open until a restart


def text(faults: int) -> str:
    """For a person; "" for none."""
    if faults & SUPPLY_LOST:
        return "their driver had lost its supply: open until a restart"
    if faults & NO_ANSWER:
        return "their driver does not answer: nothing can be opened or closed"
    numbers = [str(number) for number in range(16) if faults >> number & 1]
    if not numbers:
        return ""
    return "output %s does not follow its orders" % " and ".join(numbers)
