"""The enforcing step: poll, protect, act, in this order and in one go for each rack.

A relay is energised only while its rack's permit holds and the site is armed. Taking a permit away
drops the relay at once. A trip that a person must reset also commands the BMS contactor open; the
two paths do not wait for each other. Loss of communication, which ends by itself, does not: the
command would stay in the BMS, and nothing here ever closes a contactor. A relay only lets the rack
BMS close its own.
"""

from __future__ import annotations

from gateway.clock import diff
from gateway.rack.data import GOOD

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gateway.contracts import Relays
    from gateway.protection.engine import RackProtection
    from gateway.rack.bus import Bus
    from gateway.rack.poller import RackPoller

_AGEING_MS = 50
_LONGEST_WAIT_US = 10000


class Enforcer:
    """All racks of the site; `step` is the critical loop's body and allocates nothing.

    `relays.set(number, energised)` must be cheap and must not raise.
    """

    def __init__(
        self,
        buses: list[Bus],
        pollers: list[RackPoller],
        protections: list[RackProtection],
        relays: Relays,
        trip_relays: list[int],
        arm_delay_ms: int,
        now: int,
    ) -> None:
        self.buses = buses
        self.pollers = pollers
        self.protections = protections
        self.closed = bytearray(len(pollers))  # relay of each rack: 1 = energised
        self._relays = relays
        self._trip_relays = trip_relays
        self._arm_delay_ms = arm_delay_ms
        self._started = now
        self._aged = now
        self.armed = False
        self.stopped = False
        self.relay_errors = 0

    def step(self, now: int) -> int:
        """One pass over all buses; returns the microseconds until something may be due."""
        if not self.armed and diff(now, self._started) >= self._arm_delay_ms:
            self.armed = True
        wait_us = _LONGEST_WAIT_US
        for bus in self.buses:
            rack = bus.step(now)
            if rack >= 0:
                self._protect(rack, now)
            wait_us = min(wait_us, bus.wait_us(now))
        if diff(now, self._aged) >= _AGEING_MS:
            self._aged = now
            for index in range(len(self.pollers)):
                self._protect(index, now)
        return wait_us

    def latches_changed(self) -> bool:
        """A latch changed that nobody has put on flash yet; allocates nothing."""
        changed = False
        for index in range(len(self.protections)):
            changed = changed or self.protections[index].latch_changed
        return changed

    def stop(self) -> None:
        """Open every relay for good; the way back is a restart. Callable from anywhere.

        A driver that fails for one relay keeps none of the others closed.
        """
        self.stopped = True
        for index in range(len(self.pollers)):
            try:
                self._set_relay(index, 0)
            except Exception:  # noqa: BLE001 - whatever a driver does, go on with the next relay
                self.relay_errors += 1

    def _protect(self, index: int, now: int) -> None:
        protection = self.protections[index]
        protection.step(now)
        self.pollers[index].hot = protection.running
        self._act(index, now)

    def _act(self, index: int, now: int) -> None:
        protection = self.protections[index]
        poller = self.pollers[index]
        if protection.permit:
            poller.leave_contactor()
            if self.armed and not self.closed[index] and poller.data.quality(now) == GOOD:
                self._set_relay(index, 1)
        else:
            self._set_relay(index, 0)
            if protection.tripped:
                poller.open_contactor(now)
        poller.set_limits(protection.charge_da, protection.discharge_da, now)

    def _set_relay(self, index: int, energised: int) -> None:
        if self.stopped:
            energised = 0
        self._relays.set(self._trip_relays[index], energised)
        self.closed[index] = energised
