"""Proof tests on order: somebody asks, a person on site confirms, the test runs, it is kept.

An order alone moves nothing. Only a push on the reset button within a minute begins the test, so
whoever asks from afar needs somebody in front of the racks. That push confirms and resets nothing.
One order at a time.
"""

from __future__ import annotations

from gateway.clock import UNSET, add, diff
from gateway.outputs.proof_test import (
    ABORTED,
    EXPIRED,
    NONE,
    PASSED,
    RESULT_NAMES,
    RUNNING,
    WITHDRAWN,
    InputTest,
    is_verdict,
)
from gateway.protection.interlocks import SITE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.clock import Clock
    from gateway.config import Config
    from gateway.contracts import Inputs, Log
    from gateway.outputs.enforcer import Enforcer
    from gateway.outputs.proof_records import ProofRecords

RACK = "rack"
INPUT = "input"
CANCEL = "cancel"
CONFIRM_MS = 60000
INPUT_MS = 60000
DAY_MS = 86400000
_RELAY_MS = (
    10000  # a relay test takes a second; when the protecting loop is dead it takes for ever
)
_NAMED = 3  # of what is overdue

_IDLE = 0
_CONFIRM = 1
_TEST = 2


class Item:
    """What can be tested: the relay of rack `index`, or the input with the number `index`."""

    def __init__(self, kind: str, name: str, index: int) -> None:
        self.kind = kind
        self.name = name
        self.index = index
        self.key = kind + " " + name


def items(settings: Config) -> list[Item]:
    """Everything of a site that can be tested, in the order of its configuration."""
    racks = [Item(RACK, rack.name, index) for index, rack in enumerate(settings.racks)]
    return racks + [Item(INPUT, each.name, each.number) for each in settings.inputs]


class ProofTests:
    """Takes orders and carries one out; may allocate, so it is not for the protecting loop.

    `note(rack or SITE, text, result)` records the end of each order, and with result NONE once a
    day since the start what is overdue.
    """

    def __init__(
        self,
        records: ProofRecords,
        enforcer: Enforcer,
        settings: Config,
        inputs: Inputs,
        clock: Clock,
        note: Callable[[int, str, int], None],
        log: Log,
    ) -> None:
        self._records = records
        self._enforcer = enforcer
        self._inputs = inputs
        self._clock = clock
        self._note = note
        self._log = log
        self._items = items(settings)
        self._buttons = [each.number for each in settings.inputs if each.role == "reset"]
        self._input_test = InputTest()
        self._state = _IDLE
        self._item = self._items[0]  # of the last order
        self._number = 0  # of the last order
        self._since = clock.ticks()  # of the state
        self._day = clock.ticks()
        self._last: dict[str, object] | None = None
        if records.damaged:
            log.warning("dates of proof tests were damaged: everything counts as never tested")

    def answer(self, argument: str) -> dict[str, object]:
        """What the console says: "" asks for the state, "cancel" withdraws an order.

        Anything else orders the test of a rack or an input, by its name or as "rack/name" and
        "input/name". Told is the order, or why it was refused.
        """
        if not argument:
            return self.state()
        if argument == CANCEL:
            return self._withdraw()
        found = [
            item for item in self._items if argument in (item.name, item.kind + "/" + item.name)
        ]
        if len(found) != 1:
            names = [item.kind + "/" + item.name for item in self._items]
            reason = "a rack and an input have this name" if found else "no such rack or input"
            return {"refused": reason, "items": names}
        reason = self._objection(found[0])
        if reason:
            return {"refused": reason}
        self._item = found[0]
        self._number += 1
        self._enter(_CONFIRM)
        self._log.info("proof test of %s ordered: waiting for the reset button", self._item.key)
        return {"ordered": self._running()}

    def state(self) -> dict[str, object]:
        """Every item with date and result, the order under way and the end of the last one."""
        records = self._records
        utc_ms = self._clock.utc_ms()
        clock_set = self._clock.utc_quality != UNSET
        entries = []
        for item in self._items:
            utc_s, result, dated = records.last(item.key)
            days = records.days_left(item.key, utc_ms, clock_set)
            entries.append(
                {
                    "kind": item.kind,
                    "name": item.name,
                    "utc_s": utc_s if dated else None,
                    "result": RESULT_NAMES[result],
                    "days_left": days,
                    "due": days == 0,
                }
            )
        return {
            "items": entries,
            "running": self._running(),
            "last": self._last,
            "clock_set": clock_set,
            "write_errors": records.write_errors,
        }

    def confirm(self, now: int) -> bool:
        """The reset button was pushed: True when that was for a test and is no reset.

        A push of the very button under test is no reset; whoever pushes another one meanwhile,
        or a second time, means a reset.
        """
        if self._state == _TEST:
            number = self._item.index
            return (
                self._item.kind == INPUT and number in self._buttons and self._inputs.get(number)
            )
        if self._state != _CONFIRM:
            return False
        if diff(now, self._since) >= CONFIRM_MS:
            self._end(EXPIRED)
            return False
        self._enter(_TEST)
        if self._item.kind == INPUT:
            number = self._item.index
            level = self._inputs.get(number)
            # The button that was pushed may be the one to be tested: then that was the change.
            pushed = level and number in self._buttons
            self._input_test.order(level != pushed, INPUT_MS, now, pushed)
        elif not self._enforcer.relay_test.order(self._item.index):
            self._end(ABORTED)
        return True

    def step(self, now: int) -> None:
        """Twenty times a second or so, after `confirm`."""
        if self._state == _CONFIRM:
            if diff(now, self._since) >= CONFIRM_MS:
                self._end(EXPIRED)
        elif self._state == _TEST and self._item.kind == INPUT:
            self._input_test.step(self._inputs.get(self._item.index), now)
            if self._input_test.result != RUNNING:
                self._end(self._input_test.result)
        elif self._state == _TEST:
            if not self._enforcer.relay_test.busy:
                self._end(self._enforcer.relay_test.result)
            elif diff(now, self._since) >= _RELAY_MS:
                self._end(ABORTED)
        if diff(now, self._day) >= DAY_MS:
            self._day = add(self._day, DAY_MS)
            self._tell_overdue()

    def _objection(self, item: Item) -> str:
        """Why this item cannot be tested now; "" when it can."""
        if self._state != _IDLE:
            return "%s is being tested" % self._item.key
        if not self._buttons:
            return "no input has the role reset, so nobody on site can confirm"
        if item.kind == INPUT:
            return ""
        enforcer = self._enforcer
        view = enforcer.views[item.index]
        if not enforcer.closed[item.index]:
            return "its relay is open"
        if not view.fresh:
            return "no fresh data of it"
        if view.reads_open:
            return "its contactor is open"
        return "" if view.at_rest else "current flows: bring it to zero first"

    def _withdraw(self) -> dict[str, object]:
        item = self._item
        if self._state == _IDLE:
            return {"refused": "nothing is ordered"}
        if self._state == _TEST and item.kind == RACK:
            return {"refused": "the test of %s is over in a moment" % item.name}
        self._input_test.withdraw()
        self._end(WITHDRAWN)
        return {"withdrawn": item.key}

    def _enter(self, state: int) -> None:
        self._state = state
        self._since = self._clock.ticks()

    def _running(self) -> dict[str, object] | None:
        if self._state == _IDLE:
            return None
        longest_ms = CONFIRM_MS
        if self._state == _TEST:
            longest_ms = INPUT_MS if self._item.kind == INPUT else _RELAY_MS
        return {
            "number": self._number,
            "kind": self._item.kind,
            "name": self._item.name,
            "state": "confirm" if self._state == _CONFIRM else "test",
            "changed": self._state == _TEST and self._input_test.changed,
            "left_ms": max(0, longest_ms - diff(self._clock.ticks(), self._since)),
        }

    def _end(self, result: int) -> None:
        self._state = _IDLE
        item = self._item
        kept = False
        if is_verdict(result):
            clock_set = self._clock.utc_quality != UNSET
            kept = self._records.note(item.key, result, self._clock.utc_ms(), clock_set)
            if not kept:
                self._log.error("the result of %s is not on flash", item.key)
            if result != PASSED:
                self._log.error("proof test of %s failed: %s", item.key, RESULT_NAMES[result])
        self._last = {
            "number": self._number,
            "kind": item.kind,
            "name": item.name,
            "result": RESULT_NAMES[result],
            "passed": result == PASSED,
            "verdict": is_verdict(result),
            "kept": kept,
        }
        rack = item.index if item.kind == RACK else SITE
        what = "relay" if item.kind == RACK else item.key
        self._note(rack, "%s: %s" % (what, RESULT_NAMES[result]), result)

    def _tell_overdue(self) -> None:
        due = self._records.due(self._clock.utc_ms(), self._clock.utc_quality != UNSET)
        if not due:
            return
        text = ", ".join(due[:_NAMED])
        if len(due) > _NAMED:
            text += " and %d more" % (len(due) - _NAMED)
        self._note(SITE, text, NONE)
