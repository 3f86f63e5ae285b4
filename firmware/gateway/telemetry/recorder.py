"""The event record: what protection decided and what became of relays and contactors."""

from __future__ import annotations

from micropython import const

from gateway import units
from gateway.config.rules import RULES, UNIT
from gateway.outputs import relay_faults
from gateway.outputs.site_outputs import OUTPUT_NAMES
from gateway.protection import rules
from gateway.rack import incidents
from gateway.telemetry import records
from gateway.telemetry.rack_events import RackEvents

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.clock import Clock
    from gateway.config import Config
    from gateway.contracts import Log
    from gateway.outputs.enforcer import Enforcer
    from gateway.protection.changes import Changes
    from gateway.rack.incidents import Incidents
    from gateway.telemetry.lane import Lane

_MOST_TRIES = const(3)
_RELAYS_PAUSE_MS = const(60000)
_LATEST = const(16)  # a trip makes about six
_URGENT = (records.TRIP, records.LEVEL_SET, records.STOP, records.ESCALATION, records.STALL)
# As urgent: what was done about a trip, in case the power goes with it, and what somebody ordered
# from afar.
_RESULTS = (
    records.OPENING,
    records.OPEN_COMMAND,
    records.RELAY_OPENED,
    records.CONTACTOR,
    records.OPENING_PROVEN,
    records.SITE_OUTPUT,
    records.RESET,
    records.COMMAND,
)
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
    """Writes events to the journal (trips and what was done are due on flash at once) and to the
    log.

    `latest` holds (uptime ms, text) of the last few for the console. `trip` is called behind the
    record of each trip with rack (NO_RACK: a rule of the site), rule and value.
    """

    def __init__(
        self,
        journal: Lane,
        enforcer: Enforcer,
        changes: Changes,
        bus_log: Incidents,
        config: Config,
        clock: Clock,
        log: Log,
        trip: Callable[[int, int, int], None] | None = None,
    ) -> None:
        self._journal = journal
        self._enforcer = enforcer
        self._changes = changes
        self._bus_log = bus_log
        self._bus_seen = 0
        self.incidents_lost = 0
        self._limits = config.limits
        self._clock = clock
        self._log = log
        self._trip = trip
        self._change: tuple[int, ...] | None = None  # taken, and not yet recorded
        self._tries = 0
        self._change_noted = False  # its event is recorded, its black box not yet begun
        self.changes_failed = 0
        self.untold = 0  # lines of the log for which there was no memory
        self._stalls = 0  # of the protecting loop, recorded
        self._racks = len(enforcer.pollers)
        self._relay_faults = 0  # recorded since the last time that some went
        self._relays_told_ms = 0
        self._rack_events = RackEvents(enforcer, self.note, clock)
        self._site = bytearray(len(enforcer.bank.energised) - self._racks)
        self.latest: list[tuple[int, str]] = []

    def step(self) -> None:
        """Record what changed since the last step."""
        change = self._next_change()
        while change is not None:
            self._record_change(change)
            self._forget_change()
            change = self._next_change()
        while self._bus_seen != self._bus_log.count:
            self._record_incident()
        if self._stalls != self._enforcer.stalls:
            self._record_stall()  # before what it did to the relays
        for rack in range(self._racks):
            self._rack_events.step(rack)
        self._watch_relays()
        self._watch_site()

    def note(self, code: int, rack: int, text: str, details: tuple[int, ...] = ()) -> None:
        """Record one event; `details` are rule, level, value, limit where there are any.

        What is urgent is only marked: the journal's next step writes it, however many there are,
        for each page stops everything.
        """
        rule, level, value, limit = details or (rules.NO_RULE, 0, 0, 0)
        line = records.EVENT_NAMES[code]
        if rack != records.NO_RACK:
            line = self._enforcer.pollers[rack].data.name + " " + line
        if text:
            line += ": " + text
        urgent = code in _URGENT
        payload = records.encode_event(code, rack, rule, level, value, limit, text)
        self._journal.append(records.EVENT, payload)
        if urgent or code in _RESULTS:
            self._journal.hurry()
        try:
            self._tell(line, urgent)
        except MemoryError:  # it is recorded: whoever called must not do so again
            self.untold += 1

    def _tell(self, line: str, urgent: bool) -> None:
        if len(self.latest) >= _LATEST:
            self.latest.pop(0)
        self.latest.append((self._clock.uptime_ms(), line))
        (self._log.warning if urgent else self._log.info)("%s", line)

    def _next_change(self) -> tuple[int, ...] | None:
        """The oldest change that is not recorded; one that fails is tried three times."""
        self._tries += 1
        if self._change is not None and self._tries > _MOST_TRIES:
            self.changes_failed += 1
            self._forget_change()
        if self._change is None:
            self._tries = 1
            self._change = self._changes.take()
        return self._change

    def _forget_change(self) -> None:
        self._change = None
        self._change_noted = False

    def _record_change(self, change: tuple[int, ...]) -> None:
        rack, rule, level, active, value = change
        name = rules.name(rule)
        limit = self._limits[name][level - 1].set_point  # type: ignore[union-attr]
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
        if not self._change_noted:
            self.note(code, rack, text, (rule, level, value, limit))
            self._change_noted = True
        if code == records.TRIP and self._trip is not None:
            self._trip(rack, rule, value)

    def _record_incident(self) -> None:
        log = self._bus_log
        behind = (log.count - self._bus_seen) & incidents.NUMBERS
        if behind > log.capacity:
            self.incidents_lost += behind - log.capacity
            self._bus_seen = (log.count - log.capacity) & incidents.NUMBERS
        passed = 1
        try:
            self._note_incident(log.get(self._bus_seen))
        except MemoryError:
            passed = 0  # it comes again in the next step; any other error would come for ever
            raise
        finally:
            self._bus_seen = (self._bus_seen + passed) & incidents.NUMBERS

    def _note_incident(self, incident: tuple[int, int, int, int]) -> None:
        rack, code, value, extra = incident
        if code == incidents.IDENTITY:
            text = self._enforcer.pollers[rack].data.identity_problem
        else:
            text = _INCIDENT_TEXTS[code]
            if code in _WITH_EXTRA:
                text = text % (value, extra)
            elif "%" in text:
                text = text % (value or extra)
        self.note(records.BUS, rack, text)

    def _record_stall(self) -> None:
        """One in a step; one for which there is no memory comes again in the next."""
        number = self._stalls + 1
        text = "the protecting loop stood still: every relay dropped, arming anew"
        self.note(records.STALL, records.NO_RACK, text, (rules.NO_RULE, 0, number, 0))
        self._stalls = number

    def _watch_relays(self) -> None:
        """A new fault at once; that one went a minute after what was told last, and not that it
        came back meanwhile: a loose wire must not push everything else out of the events.
        """
        faults = self._enforcer.bank.faults
        recorded = self._relay_faults
        if faults == recorded:
            return
        now_ms = self._clock.uptime_ms()
        if faults | recorded != recorded:
            recorded |= faults
        elif now_ms - self._relays_told_ms >= _RELAYS_PAUSE_MS:
            recorded = faults
        else:
            return
        text = "relays: %s" % (relay_faults.text(faults) or "all follow again")
        self.note(records.SITE_OUTPUT, records.NO_RACK, text)
        self._relay_faults = recorded
        self._relays_told_ms = now_ms

    def _watch_site(self) -> None:
        first = self._racks
        for output in range(len(self._site)):
            energised = self._enforcer.bank.energised[first + output]
            if energised != self._site[output]:
                self.note(
                    records.SITE_OUTPUT,
                    records.NO_RACK,
                    "%s relay %s"
                    % (OUTPUT_NAMES[output], "energised" if energised else "released"),
                )
                self._site[output] = energised
