"""Proof tests on request: a relay must still open its contactor, an input must still change.

A detector or a relay that nobody has moved for a year may be dead without a sign. Each test is a
pure step; one of each kind runs at a time. Nothing is masked meanwhile: a gas detector under test
stops the site like one that smells gas.
"""

from __future__ import annotations

from gateway.clock import diff

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gateway.outputs.rack_view import RackView

NONE = 0
WAITING = 1
RUNNING = 2
PASSED = 3
STILL_CLOSED = 4
STILL_FLOWING = 5
NO_DATA = 6
UNCHANGED = 7
NOT_BACK = 8
ABORTED = 9
NOT_CLOSED = 10
NOT_AT_REST = 11
EXPIRED = 12
WITHDRAWN = 13
RESULT_NAMES = (
    "none",
    "waiting",
    "running",
    "passed",
    "contactor still reads closed",
    "current still flows",
    "no data in time",
    "did not change",
    "did not come back",
    "given up, the rack had to open",
    "not begun, the rack is not closed",
    "not begun, current flows",
    "not begun, nobody pushed the reset button in time",
    "withdrawn",
)

# Results that say something about what was tested; the others are no test.
_VERDICTS = (PASSED, STILL_CLOSED, STILL_FLOWING, NO_DATA, UNCHANGED, NOT_BACK)
_EFFECT_MS = 1000
_STEADY_STEPS = 3  # contact bounce and coupled noise are shorter


def is_verdict(result: int) -> bool:
    """Whether a result belongs into the records."""
    return result in _VERDICTS


class RelayTest:
    """Opens one rack for at most a second, and only while its current is at rest.

    `hold_open`: keep the relay of rack `rack` dropped, and grant it no current. The relay comes
    back by the usual closing decision. `result` is that of the last order, WAITING and RUNNING
    while there is none. `begun` counts the tests that dropped a relay, however soon it was back.
    """

    def __init__(self, effect_ms: int = _EFFECT_MS) -> None:
        self._effect_ms = effect_ms
        self._dropped = 0
        self.rack = -1
        self.hold_open = False
        self.result = NONE
        self.begun = 0

    @property
    def busy(self) -> bool:
        """A test is ordered or running."""
        return self.result == WAITING or self.result == RUNNING  # noqa: PLR1714 - `in` allocates

    def order(self, rack: int) -> bool:
        """Test `rack` in its next step; False while another test is not over."""
        if self.busy:
            return False
        self.rack = rack
        self.result = WAITING
        return True

    def step(self, energised: bool, permit: bool, view: RackView, now: int) -> None:
        """In each step of the rack under test, before its relay is set; allocates nothing.

        `energised`: its relay as it is. `permit`: nothing wants it open. Needs a summary several
        times a second.
        """
        if self.result == WAITING:
            self._begin(energised, permit, view, now)
        elif self.result == RUNNING:
            self._judge(permit, view, now)

    def _begin(self, energised: bool, permit: bool, view: RackView, now: int) -> None:
        if not (energised and permit and view.fresh) or view.reads_open:
            self.result = NOT_CLOSED
        elif not view.at_rest:
            self.result = NOT_AT_REST
        else:
            self.result = RUNNING
            self.hold_open = True
            self.begun += 1
            self._dropped = now

    def _judge(self, permit: bool, view: RackView, now: int) -> None:
        seen = view.known and diff(view.acquired, self._dropped) > 0
        if not permit:
            self._end(ABORTED)
        elif seen and view.at_rest and view.reads_open:
            self._end(PASSED)
        elif diff(now, self._dropped) >= self._effect_ms:
            if not seen:
                self._end(NO_DATA)
            else:
                self._end(STILL_FLOWING if view.reads_open else STILL_CLOSED)

    def _end(self, result: int) -> None:
        self.result = result
        self.hold_open = False


class InputTest:
    """Somebody works the detector or the switch of an input: it must change and come back.

    `result` is that of the last order, RUNNING while there is none; `changed`: it did, and has to
    come back now.
    """

    def __init__(self) -> None:
        self.result = NONE
        self.changed = False
        self._normal = False
        self._steps = 0  # for which it has had the level that is waited for
        self._began = 0
        self._limit_ms = 0

    def order(self, level: bool, limit_ms: int, now: int, changed: bool = False) -> bool:
        """Test an input that rests at `level`; False while another test is not over.

        `changed`: it has left that level already, so only its return is waited for.
        """
        if self.result == RUNNING:
            return False
        self.result = RUNNING
        self._normal = level
        self.changed = changed
        self._steps = 0
        self._began = now
        self._limit_ms = limit_ms
        return True

    def withdraw(self) -> None:
        """End it without a verdict."""
        if self.result == RUNNING:
            self.result = WITHDRAWN

    def step(self, level: bool, now: int) -> None:
        """Twenty times a second or so, with the level of the input now; allocates nothing."""
        if self.result != RUNNING:
            return
        wanted = level == self._normal if self.changed else level != self._normal
        self._steps = self._steps + 1 if wanted else 0
        if self._steps >= _STEADY_STEPS:
            self._steps = 0
            if self.changed:
                self.result = PASSED
                return
            self.changed = True
        if diff(now, self._began) >= self._limit_ms:
            self.result = NOT_BACK if self.changed else UNCHANGED
