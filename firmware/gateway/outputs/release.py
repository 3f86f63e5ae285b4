"""When to release the fire suppression: what cannot be taken back needs more than a trip does.

A certified fire panel is the right place for it. Where this gateway does it all the same, two
detectors (or one and gas) must show smoke now, for the whole delay, and at least one loop that has
nothing to do with fire must be healthy: when all loops open together it is their supply that is
gone, or their cable.
"""

from __future__ import annotations

from gateway.clock import diff

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gateway.protection.interlocks import Interlocks

_FIRE_LEVEL = 3


class Release:
    """`fire`: release now. Counts anew whenever its cause is gone, also for a moment.

    Once released it stays so until the latch of the smoke is reset: neither detectors that burn
    nor a loop that stood still may take it back and let the fans blow into the fire.
    """

    def __init__(self, interlocks: Interlocks, smoke_rule: int, delay_ms: int, now: int) -> None:
        self._interlocks = interlocks
        self._smoke_rule = smoke_rule
        self._delay_ms = delay_ms
        self._since = now
        self.fire = False

    def step(self, armed: bool, now: int) -> None:
        """Some times a second; `armed`: detectors had time to power up. Allocates nothing."""
        if self.fire:
            self.fire = self._interlocks.latches.held(self._smoke_rule) != 0
            self._since = now
            return
        seen = self._interlocks.seen_level(self._smoke_rule) == _FIRE_LEVEL
        if not (armed and seen and self._interlocks.is_supplied()):
            self._since = now
        elif diff(now, self._since) >= self._delay_ms:
            self.fire = True
