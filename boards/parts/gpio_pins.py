"""Relays and inputs that are pins of the processor. A reset makes the pins inputs: relays drop."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


class GpioRelays:
    """contracts.Relays; high = energised. `pins` are outputs that are low already.

    `lamps`: pins that show the same, one for each relay, or none. Neither raises nor allocates.
    """

    def __init__(self, pins: tuple[Any, ...], lamps: tuple[Any, ...] = ()) -> None:
        self.count = len(pins)
        self._pins = pins
        self._lamps = lamps
        self._held = False

    def set(self, number: int, energised: int) -> None:
        """Energise (1) or drop (0) one relay."""
        self._drive(number, 0 if self._held else energised)
        if self._held:  # perhaps since between the two: then it is energised behind the drop
            self._drive(number, 0)

    def drop_all(self) -> None:
        """Open every relay, now, and keep them open until `allow`; fit for an interrupt."""
        self._held = True
        for number in range(self.count):
            self._drive(number, 0)

    def _drive(self, number: int, energised: int) -> None:
        self._pins[number](energised)
        if self._lamps:
            self._lamps[number](energised)

    def allow(self) -> None:
        """`set` may energise again; nothing closes by itself."""
        self._held = False


class GpioInputs:
    """contracts.Inputs; `active` is the level of a pin, 0 or 1, that counts as "on"."""

    def __init__(self, pins: tuple[Callable[[], int], ...], active: int) -> None:
        self.count = len(pins)
        self._pins = pins
        self._active = active

    def get(self, number: int) -> bool:
        """Level of one input."""
        return self._pins[number]() == self._active
