"""The event record: what protection decided and what became of relays and contactors."""

from __future__ import annotations

from gateway import units
from gateway.config.rules import RULES, UNIT
from gateway.outputs.opening import ESCALATED, PROVEN
from gateway.outputs.site_outputs import OUTPUT_NAMES
from gateway.protection import rules
from gateway.rack import data as rack_data
from gateway.rack import incidents
from gateway.telemetry import records

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gateway.clock import Clock
    from gateway.config import Config
    from gateway.contracts import Log
    from gateway.outputs.enforcer import Enforcer
    from gateway.protection.changes import Changes
    from gateway.rack.incidents import Incidents
    from gateway.telemetry.journal import Journal

_LATEST = 8
_URGENT = (records.TRIP, records.LEVEL_SET, records.STOP, records.ESCALATION)
_CONTACTOR_NAMES = ("open", "closed", "precharging", "unknown")
# Texts of incidents; arguments are value and extra, or fewer.
_INCIDENT_TEXTS = {
    incidents.UNIT_DOWN: "no answer to %d requests in a row",
    incidents.UNIT_BACK: "answers again",
    incidents.REGISTER_MISSING: "register 0x%04X (%d of them) does not exist",
    incidents.WRITE_REFUSED: "write to 0x%04X refused with exception %d",
    incidents.WRITE_FAILED: "write to 0x%04X not confirmed",
    incidents.OPEN_FORBIDDEN: "the map forbids the opening at 0x%04X now",
}
_WITH_EXTRA = (incidents.REGISTER_MISSING, incidents.WRITE_REFUSED)


class Recorder:
    """Writes events to the journal (urgent ones to flash at once) and to the log.

    `latest` holds (uptime ms, text) of the last few for the console.
    """

    def __init__(
        self,
        journal: Journal,
        enforcer: Enforcer,
        changes: Changes,
        bus_log: Incidents,
        config: Config,
        clock: Clock,
        log: Log,
    ) -> None:
        self._journal = journal
        self._enforcer = enforcer
        self._changes = changes
        self._bus_log = bus_log
        self._bus_seen = 0
        self.incidents_lost = 0
        self._config = config
        self._clock = clock
        self._log = log
        self._relays = bytearray(len(enforcer.pollers))
        self._contactors = bytearray(b"\xff" * len(enforcer.pollers))
        self._openings = bytearray(len(enforcer.pollers))
        self._site = bytearray(len(enforcer.bank.energised) - len(enforcer.pollers))
        self._tests = 0  # proof tests that were seen to begin
        self.latest: list[tuple[int, str]] = []

    def step(self) -> None:
        """Record what changed since the last step."""
        change = self._changes.take()
        while change is not None:
            self._record_change(change)
            change = self._changes.take()
        while self._bus_seen != self._bus_log.count:
            self._record_incident()
        for index in range(len(self._relays)):
            self._watch_rack(index)
        self._watch_site()

    def note(self, code: int, rack: int, text: str, details: tuple[int, ...] = ()) -> None:
        """Record one event; `details` are rule, level, value, limit where there are any."""
        rule, level, value, limit = details or (rules.NO_RULE, 0, 0, 0)
        line = records.EVENT_NAMES[code]
        if rack != records.NO_RACK:
            line = self._config.racks[rack].name + " " + line
        if text:
            line += ": " + text
        urgent = code in _URGENT
        payload = records.encode_event(code, rack, rule, level, value, limit, text)
        self._journal.append(records.EVENT, payload)
        if urgent:
            self._journal.flush()
        if len(self.latest) >= _LATEST:
            self.latest.pop(0)
        self.latest.append((self._clock.uptime_ms(), line))
        (self._log.warning if urgent else self._log.info)("%s", line)

    def _record_change(self, change: tuple[int, ...]) -> None:
        rack, rule, level, active, value = change
        name = rules.name(rule)
        limit = self._config.limits[name][level - 1].set_point  # type: ignore[union-attr]
        code = records.LEVEL_CLEARED
        if active:
            code = records.TRIP if level == rules.LEVEL_COUNT else records.LEVEL_SET
        unit = RULES[rule][UNIT]
        text = "%s level %d, %s, limit %s" % (
            name,
            level,
            units.text(value, unit),
            units.text(limit, unit),
        )
        self.note(code, rack, text, (rule, level, value, limit))

    def _record_incident(self) -> None:
        log = self._bus_log
        behind = (log.count - self._bus_seen) & incidents.NUMBERS
        if behind > log.capacity:
            self.incidents_lost += behind - log.capacity
            self._bus_seen = (log.count - log.capacity) & incidents.NUMBERS
        rack, code, value, extra = log.get(self._bus_seen)
        self._bus_seen = (self._bus_seen + 1) & incidents.NUMBERS
        if code == incidents.IDENTITY:
            text = self._enforcer.pollers[rack].data.identity_problem
        else:
            text = _INCIDENT_TEXTS[code]
            if code in _WITH_EXTRA:
                text = text % (value, extra)
            elif "%" in text:
                text = text % (value or extra)
        self.note(records.BUS, rack, text)

    def _watch_rack(self, index: int) -> None:
        self._watch_test(index)
        closed = self._enforcer.closed[index]
        if closed != self._relays[index]:
            self._relays[index] = closed
            self.note(records.RELAY_CLOSED if closed else records.RELAY_OPENED, index, "")
        opening = self._enforcer.openings[index]
        if opening.state != self._openings[index]:
            self._openings[index] = opening.state
            if opening.state == ESCALATED:
                self.note(records.ESCALATION, index, "it did not open, the site relay does")
            elif opening.state == PROVEN:
                self.note(
                    records.OPENING_PROVEN, index, "under load" if opening.under_load else ""
                )
        data = self._enforcer.pollers[index].data
        contactor = data.summary[rack_data.CONTACTOR_STATE]
        if data.sequence and contactor != self._contactors[index]:
            self._contactors[index] = contactor
            self.note(records.CONTACTOR, index, _CONTACTOR_NAMES[contactor])

    def _watch_test(self, index: int) -> None:
        """A proof test may be over before anybody looks at the relay."""
        test = self._enforcer.relay_test
        if test.rack != index or test.begun == self._tests:
            return
        self._tests = test.begun
        if self._relays[index]:
            self._relays[index] = 0
            self.note(records.RELAY_OPENED, index, records.EVENT_NAMES[records.PROOF_TEST])

    def _watch_site(self) -> None:
        first = len(self._relays)
        for output in range(len(self._site)):
            energised = self._enforcer.bank.energised[first + output]
            if energised != self._site[output]:
                self._site[output] = energised
                self.note(
                    records.SITE_OUTPUT,
                    records.NO_RACK,
                    "%s relay %s"
                    % (OUTPUT_NAMES[output], "energised" if energised else "released"),
                )
