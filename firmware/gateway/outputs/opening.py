"""Opening a rack in stages, with a check of the effect: a pure step on state, once per rack.

Every opening under load costs contactor life, so the current is asked to go first, but only for a
bounded time. Then the BMS register and, a little later and whatever the register did, the relay:
two paths that have nothing in common. Where the current is known to be at rest both go at once. In
the end the data must show an open contactor and no current; otherwise the rest of the site is
opened instead.

    IDLE, ZERO, COMMAND, RELAY, then PROVEN or ESCALATED

An opening once begun is carried through to the proof, also when its reason goes away meanwhile.
"""

from __future__ import annotations

from gateway.clock import diff, subtract

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gateway.outputs.rack_view import RackView

# Orders.
NONE = 0
STAGED = 1  # current to zero first
AT_ONCE = 2  # relay in this very step: gas, fire, emergency stop; silence, which tells no current

# States.
IDLE = 0
ZERO = 1  # no current is granted, waiting for it to go
COMMAND = 2  # the BMS has been told to open
RELAY = 3  # the relay is open, waiting for the data to show it
PROVEN = 4
ESCALATED = 5  # the data did not show it in time
STATE_NAMES = ("idle", "zero current", "open command", "relay open", "proven", "escalated")

_OLDEST_MS = 1 << 27  # 1.5 days; far below the time in which ticks compare


class OpeningTimes:
    """Longest wait for the current to go, then from command to relay, then from relay to proof."""

    def __init__(self, zero_wait_ms: int, check_ms: int, escalate_ms: int) -> None:
        self.zero_wait_ms = zero_wait_ms
        self.check_ms = check_ms
        self.escalate_ms = escalate_ms


class Opening:
    """What the outputs must do now, after `step`:

    `zero_current`: grant no current in either direction. `command_open`: hold the open command to
    the BMS. `relay_open`: keep the relay dropped; nothing here ever closes it. `escalate`: open
    the site relay and ask the power converter to stop. `proven`: data younger than the relay show
    an open contactor and a current at rest. `under_load`: the relay was opened without knowing
    that. Counters: `openings`, `loaded` of them under load, `escalations`.
    """

    def __init__(self, times: OpeningTimes) -> None:
        self._times = times
        self.state = IDLE
        self.zero_current = False
        self.command_open = False
        self.relay_open = False
        self.escalate = False
        self.proven = False
        self.under_load = False
        self.openings = 0
        self.loaded = 0
        self.escalations = 0
        self._commanded = False  # the register is part of this opening
        self._since = 0  # begin of the opening, then of the wait for the proof
        self._dropped = 0  # data must be younger than this to prove anything
        self._waiting = False  # for the proof, since `_since`
        self._silence_counts = False  # there were data at the beginning, so there should be some

    @property
    def under_way(self) -> bool:
        """Something is still waited for, and fresh data help."""
        return ZERO <= self.state <= RELAY

    @property
    def unproven(self) -> bool:
        """It has begun, and nothing shows yet that the rack is off the bus."""
        return self.state != IDLE and not self.proven

    def step(self, order: int, command: bool, energised: bool, view: RackView, now: int) -> None:
        """`order`: what protection wants now. `command`: the BMS register may be used for it.

        `energised`: the rack's relay as it is. Call it again at least every few hours.
        Allocates nothing.
        """
        if self.state == IDLE:
            if order == NONE or not (energised or command):
                return
            self._begin(view, energised, now)
        self._commanded = self._commanded or (command and order != NONE)
        if self.state < RELAY:
            self._advance(order, energised, view, now)
        if self.state >= RELAY:
            self._judge(view, now)
        self.command_open = self._commanded and self.state >= COMMAND
        if order == NONE and self.proven:
            self._end()

    def _begin(self, view: RackView, energised: bool, now: int) -> None:
        self.state = ZERO
        self.zero_current = True
        self.openings += 1
        self._commanded = False
        self._since = now
        self._silence_counts = energised and view.known

    def _advance(self, order: int, energised: bool, view: RackView, now: int) -> None:
        if order == AT_ONCE or view.at_rest or not energised:
            self._drop(energised, view, now)
            return
        # All of it from the beginning on: a step that comes late must not put the relay off.
        waited_ms = diff(now, self._since) - self._times.zero_wait_ms
        if waited_ms < 0:
            return
        if waited_ms >= self._times.check_ms or not self._commanded:
            self._drop(energised, view, now)
        else:
            self.state = COMMAND

    def _drop(self, energised: bool, view: RackView, now: int) -> None:
        self.state = RELAY
        self.relay_open = True
        self.under_load = energised and not view.at_rest
        self.loaded += self.under_load
        self._since = now
        self._dropped = now
        self._waiting = self._silence_counts

    def _judge(self, view: RackView, now: int) -> None:
        """Proof, its loss, or its absence for too long.

        Without data from the beginning on, silence is no sign of a failure: the wait begins with
        the first data, and only data end it. A silent rack would otherwise take the whole site
        down.
        """
        self._dropped = _held(self._dropped, now)
        self._since = _held(self._since, now)
        seen = view.known and diff(view.acquired, self._dropped) > 0
        if seen and view.at_rest and view.reads_open:
            self.proven = True
            self._waiting = False
            self._silence_counts = False  # an open rack may be switched off altogether
            if self.state == RELAY:
                self.state = PROVEN
            return
        if seen and (self.state != PROVEN or view.reads_closed or not view.at_rest):
            self.proven = False
            if self.state == PROVEN:
                self.state = RELAY
        if self.state == RELAY:
            self._wait(seen, view, now)

    def _wait(self, seen: bool, view: RackView, now: int) -> None:
        if not self._waiting:
            if not seen:
                return
            self._waiting = True
            self._since = now
        if diff(now, self._since) < self._times.escalate_ms:
            return
        if seen and view.at_rest and not view.reads_closed:
            # The contactor reads neither open nor closed, and for so long nothing has flowed.
            self.proven = True
            self.state = PROVEN
        elif seen or self._silence_counts:
            self.state = ESCALATED
            self.escalate = True
            self.escalations += 1

    def _end(self) -> None:
        self.state = IDLE
        self.zero_current = False
        self.command_open = False
        self.relay_open = False
        self.escalate = False
        self.proven = False
        self.under_load = False


def _held(ticks: int, now: int) -> int:
    return subtract(now, _OLDEST_MS) if diff(now, ticks) > _OLDEST_MS else ticks
