"""What became of a decision: each stage of an opening, relay and contactor, as events with values.

Who judges a trip afterwards needs to know what was asked of the power converter and of the rack
BMS, what the relay did, what current flowed meanwhile, and what showed that it worked.
"""

from __future__ import annotations

from gateway import units
from gateway.outputs.opening import ESCALATED, IDLE, PROVEN, ZERO
from gateway.protection import rules
from gateway.rack import data as slots
from gateway.telemetry import records

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.clock import Clock
    from gateway.outputs.enforcer import Enforcer

_CONTACTOR_NAMES = ("open", "closed", "precharging", "unknown")
_LONGEST_MS = 0x7FFFFFFF  # of an event's field


class RackEvents:
    """Looks at the enforcer's state after the fact; as exact as its steps are close together.

    `note` is the recorder's. In all events of an opening `value` is the current in 0.1 A
    (`slots.ABSENT` when it is not known), `limit` the milliseconds since the opening began.
    """

    def __init__(self, enforcer: Enforcer, note: Callable[..., None], clock: Clock) -> None:
        count = len(enforcer.pollers)
        self._enforcer = enforcer
        self._note = note
        self._clock = clock
        self._relays = bytearray(count)
        self._contactors = bytearray(b"\xff" * count)
        self._tests = 0  # proof tests that were seen to begin
        self._openings = [0] * count
        self._began_ms = [0] * count
        self._states = bytearray(count)
        self._ordered = bytearray(count)  # the open command; 1 = told, 2 = its echo too

    def step(self, rack: int) -> None:
        """Tell what changed since the last step, in the order in which it happens.

        What could not be told is told in the next step.
        """
        self._watch_test(rack)
        self._watch_beginning(rack)
        self._watch_order(rack)
        self._watch_relay(rack)
        self._watch_echo(rack)
        self._watch_contactor(rack)
        self._watch_end(rack)

    def _watch_test(self, rack: int) -> None:
        """A proof test may be over before anybody looks at the relay."""
        test = self._enforcer.relay_test
        if test.rack != rack or test.begun == self._tests:
            return
        if self._relays[rack]:
            self._tell(records.RELAY_OPENED, rack, records.EVENT_NAMES[records.PROOF_TEST])
            self._relays[rack] = 0
        self._tests = test.begun

    def _watch_beginning(self, rack: int) -> None:
        opening = self._enforcer.openings[rack]
        if opening.openings == self._openings[rack]:
            return
        self._began_ms[rack] = self._clock.uptime_ms()
        self._ordered[rack] = 0
        how = "0 A asked for" if opening.state == ZERO else "at once"
        self._tell(records.OPENING, rack, "%s, %s" % (how, self._current_text(rack)))
        self._openings[rack] = opening.openings

    def _watch_order(self, rack: int) -> None:
        poller = self._enforcer.pollers[rack]
        commanded = self._enforcer.openings[rack].command_open
        if commanded and not self._ordered[rack] and poller.opening_write is not None:
            self._tell(records.OPEN_COMMAND, rack, "ordered")
            self._ordered[rack] = 1

    def _watch_echo(self, rack: int) -> None:
        if self._ordered[rack] == 1 and self._enforcer.pollers[rack].writes.open_commands:
            self._tell(records.OPEN_COMMAND, rack, "confirmed by the BMS")
            self._ordered[rack] = 2

    def _watch_relay(self, rack: int) -> None:
        closed = self._enforcer.closed[rack]
        if closed == self._relays[rack]:
            return
        if closed:
            self._note(records.RELAY_CLOSED, rack, "")
        else:
            self._tell(records.RELAY_OPENED, rack, self._current_text(rack))
        self._relays[rack] = closed

    def _watch_contactor(self, rack: int) -> None:
        data = self._enforcer.pollers[rack].data
        contactor = data.summary[slots.CONTACTOR_STATE]
        if data.sequence and contactor != self._contactors[rack]:
            self._tell(records.CONTACTOR, rack, _CONTACTOR_NAMES[contactor])
            self._contactors[rack] = contactor

    def _watch_end(self, rack: int) -> None:
        state = self._enforcer.openings[rack].state
        if state == self._states[rack]:
            return
        if state == ESCALATED:
            text = "it did not open, the site relay does"
            self._tell(records.ESCALATION, rack, "%s; %s" % (text, self._read_back(rack)))
        elif state == PROVEN:
            self._tell(records.OPENING_PROVEN, rack, self._read_back(rack))
        self._states[rack] = state

    def _tell(self, code: int, rack: int, text: str) -> None:
        rule, level, elapsed_ms = rules.NO_RULE, 0, 0
        if self._enforcer.openings[rack].state != IDLE:
            decision = self._enforcer.protections[rack].decision
            rule, level = decision.rule, decision.level
            elapsed_ms = min(self._clock.uptime_ms() - self._began_ms[rack], _LONGEST_MS)
        self._note(code, rack, text, (rule, level, self._current_da(rack), elapsed_ms))

    def _read_back(self, rack: int) -> str:
        view = self._enforcer.views[rack]
        name = "unknown"
        if view.reads_open:
            name = "open"
        elif view.reads_closed:
            name = "closed"
        text = "contactor %s, %s" % (name, self._current_text(rack))
        return text + ", opened under load" if self._enforcer.openings[rack].under_load else text

    def _current_da(self, rack: int) -> int:
        view = self._enforcer.views[rack]
        if view.fresh:
            return self._enforcer.pollers[rack].data.summary[slots.RACK_CURRENT_DA]
        return 0 if view.known else slots.ABSENT  # known without data: only while nothing flows

    def _current_text(self, rack: int) -> str:
        current_da = self._current_da(rack)
        return "current unknown" if current_da == slots.ABSENT else units.text(current_da, "0.1 A")
