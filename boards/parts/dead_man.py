"""Dead men of boards that have none in hardware, and one that is a pulse for hardware outside."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

PERIOD_MS = 100  # of the timer that calls `look`
_SILENT = 7  # looks without a toggle: 0.6 to 0.7 s, see gateway.contracts.DeadMan
_NOT_BEGUN = -1


class TimerDeadMan:
    """contracts.DeadMan as far as software can be one: a timer looks whether `toggle` is called.

    After 0.6 to 0.7 s of silence it drops every relay, and again at every look, since a drop may
    fail; the first toggle begins it. They stay open, whatever is ordered, until the next toggle
    calls `allow`. With a timer that interrupts the program it acts through any loop. With one
    whose callback waits its turn between two steps of the interpreter it does not act while a
    single operation hangs: then the watchdog does. It needs a processor that runs, which a real
    one does not. `drops` counts silences.
    """

    def __init__(self, drop_all: Callable[[], None], allow: Callable[[], None]) -> None:
        self._drop_all = drop_all
        self._allow = allow
        self._quiet = _NOT_BEGUN
        self._owes_allow = True
        self.drops = 0

    def toggle(self) -> None:
        """The protecting loop has just come round."""
        self._quiet = 0  # first, so that a look behind this line finds no silence
        if self._owes_allow:
            self._owes_allow = False
            self._allow()

    def look(self, _timer: object) -> None:
        """Every PERIOD_MS; allocates nothing of its own."""
        quiet = self._quiet
        if quiet == _NOT_BEGUN:
            return
        if quiet < _SILENT:
            self._quiet = quiet = quiet + 1
            if quiet < _SILENT:
                return
            self.drops += 1
            self._owes_allow = True
        self._drop_all()


class PulseDeadMan:
    """contracts.DeadMan: a pin that changes with every toggle, for a supervisor outside that lets
    the relays' supply go when the pulses end, at whichever level.
    """

    def __init__(self, pin: Any) -> None:
        self._pin = pin
        self._level = 0

    def toggle(self) -> None:
        """The protecting loop has just come round."""
        self._level ^= 1
        self._pin(self._level)
