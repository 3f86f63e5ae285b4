"""Whether a rack's relay may be energised now, and if not, why: a decision without memory.

A relay only lets the rack BMS close its contactor. A rack that joins others equalises with a
current of the voltage difference over the resistance of its own string and of all others in
parallel: at 416 cells of 0.25 mOhm about 5 A per volt with one other rack, 9 A with eleven.
"""

from __future__ import annotations

from gateway.clock import diff
from gateway.rack.data import ABSENT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gateway.outputs.rack_view import RackView

CLOSE = 0
NOT_ARMED = 1
STOPPED = 2
NO_PERMIT = 3
TRIPPED = 4
OPENING = 5
NO_DATA = 6
VOLTAGE_UNKNOWN = 7
BUS_UNDER_LOAD = 8
VOLTAGE_APART = 9
STILL_CLOSED = 10
REASONS = (
    "may close",
    "not armed yet",
    "site is stopped",
    "no permit",
    "tripped, needs a reset",
    "its opening is not over",
    "no fresh data",
    "voltage of a rack unknown",
    "other racks carry current",
    "voltage differs too much",
    "its contactor reads closed already",
)


_COLD_DV = 10  # below 0 degC hardly any charge may flow into the lower rack


class ClosingRules:
    """Settings of the closing decision.

    On a `shared_dc_bus` a rack joins others only while none of them carries a current, and only
    within `reconnect_dv` (0.1 V) of each.
    """

    def __init__(self, arm_delay_ms: int, shared_dc_bus: bool, reconnect_dv: int) -> None:
        self.arm_delay_ms = arm_delay_ms
        self.shared_dc_bus = shared_dc_bus
        self.reconnect_dv = reconnect_dv


class Closing:
    """All racks of the site; `reasons` holds the last answer for each of them.

    `armed` once the time without closing after the start is over. `views` are those of all racks,
    `joined` is 1 for each that counts as connected to the common bus, both by rack number.
    """

    def __init__(
        self, rules: ClosingRules, views: list[RackView], joined: bytearray, now: int
    ) -> None:
        self._rules = rules
        self._views = views
        self._joined = joined
        self._started = now
        self.armed = False
        self.reasons = bytearray([NOT_ARMED] * len(views))

    def step(self, now: int) -> None:
        """Arm when the time has come; in every pass. Allocates nothing."""
        if not self.armed and diff(now, self._started) >= self._rules.arm_delay_ms:
            self.armed = True

    def disarm(self, now: int) -> None:
        """Begin the time without closing anew."""
        self._started = now
        self.armed = False

    def decide(
        self, rack: int, permit: bool, tripped: bool, opening: bool, stopped: bool, starting: bool
    ) -> bool:
        """Whether `rack` may be closed now; allocates nothing.

        `opening`: an opening of this rack is under way. `stopped`: nothing may close on this site,
        an opening that did not work included. `starting`: its BMS lives but measures nothing until
        it is let on, so it may close without data, but not onto other racks: nobody knows its
        voltage.
        """
        if not self.armed:
            reason = NOT_ARMED
        elif stopped:
            reason = STOPPED
        elif tripped:
            reason = TRIPPED
        elif not permit:
            reason = NO_PERMIT
        elif opening:
            reason = OPENING
        elif not (self._views[rack].fresh or starting):
            reason = NO_DATA
        elif self._views[rack].reads_closed:
            reason = STILL_CLOSED  # the relay does not open it: nothing here could open it again
        else:
            reason = self._compare(rack)
        self.reasons[rack] = reason
        return reason == CLOSE

    def still_fits(self, rack: int) -> bool:
        """Whether a rack whose contactor reads open may keep its relay, which lets it close."""
        reason = self._compare(rack)
        if reason != CLOSE:
            self.reasons[rack] = reason
        return reason == CLOSE

    def _compare(self, rack: int) -> int:
        """The voltage window against every rack on the bus.

        Only at rest: under load their voltages are not what they would equalise with.
        """
        if not self._rules.shared_dc_bus:
            return CLOSE
        own = self._views[rack]
        for other in range(len(self._views)):
            if other == rack or not self._joined[other]:
                continue
            view = self._views[other]
            if not own.fresh or own.voltage_dv == ABSENT or view.voltage_dv == ABSENT:
                return VOLTAGE_UNKNOWN
            if view.known and not view.at_rest:
                return BUS_UNDER_LOAD
            window_dv = self._rules.reconnect_dv
            if own.cold or view.cold:
                window_dv = min(window_dv, _COLD_DV)
            if abs(own.voltage_dv - view.voltage_dv) > window_dv:
                return VOLTAGE_APART
        return CLOSE
