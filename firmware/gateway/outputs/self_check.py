"""Does the gateway do what it thinks it does: flow and age of each step, copies of its memory.

The class B checks of IEC 60730-1 annex H that a MicroPython image can carry. A failure opens every
relay, and the dead man is no longer toggled. What the interpreter, the processor and the flash of
the program do to it no Python code can tell: that is the watchdog's and the board's.
"""

from __future__ import annotations

from array import array

from gateway.clock import diff
from gateway.protection.engine import FLOW_STEP, LONGEST_REST_MS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gateway.outputs.relay_bank import RelayBank
    from gateway.protection.engine import RackProtection
    from gateway.protection.interlocks import Interlocks

_FLOW_MASK = 0x1FFFFFFF  # one step more is a small integer still


class SelfCheck:
    """`problem`: what is wrong, "" while nothing is; it stays until a restart.

    `longest_opening_ms`: from a permit that goes to its relay, at most.
    """

    def __init__(
        self,
        protections: list[RackProtection],
        interlocks: Interlocks,
        bank: RelayBank,
        longest_opening_ms: int,
        now: int,
    ) -> None:
        self.problem = ""
        self._longest_opening_ms = longest_opening_ms
        self._rightful = array("i", [now] * len(protections))  # ticks: open, or with a permit
        self._protections = protections
        self._interlocks = interlocks
        self._bank = bank
        self._flows = array("i", [protection.flow for protection in protections])
        self._steps = bytearray(len(protections))
        self._next = 0

    def stepped(self, rack: int) -> None:
        """The protection of `rack` was stepped, and its outputs not yet: every part of the step
        must have run, once, and nobody else may have touched its relay command.
        """
        flow = self._flows[rack] + FLOW_STEP & _FLOW_MASK
        self._flows[rack] = flow
        self._steps[rack] = 1
        if self._protections[rack].flow != flow:
            self._fail("a protection step was not complete")
        if not self._bank.agrees(rack):
            self._fail("relay commands disagree with their copies")

    def step(self, now: int) -> bool:
        """Once per cycle, after every rack was stepped at `now`; True while all is well. Allocates
        nothing.
        """
        for rack in range(len(self._steps)):
            if not self._steps[rack]:
                self._fail("a rack was left out of a protection cycle")
            self._steps[rack] = 0
            self._check_ages(rack, now)
        if not self._bank.check():
            self._fail("relay commands disagree with their copies")
        if not (self._interlocks.thresholds.check_some() and self._interlocks.latches.sound):
            self._fail("interlocks disagree with their copies")
        protection = self._protections[self._next]
        self._next = (self._next + 1) % len(self._protections)
        if not (protection.settings.check_some() and protection.latches.sound):
            self._fail("thresholds or latches disagree with their copies")
        return not self.problem

    def _check_ages(self, rack: int, now: int) -> None:
        """From input to relay in bounded time: a step that was left out signs like any other, and
        what becomes of its permit no signature tells.
        """
        protection = self._protections[rack]
        if not 0 <= diff(now, protection.judged) <= LONGEST_REST_MS:
            self._fail("a rack was not judged for too long")
        if protection.decision.permit or not self._bank.energised[rack]:
            self._rightful[rack] = now
        elif diff(now, self._rightful[rack]) > self._longest_opening_ms:
            self._fail("a relay stayed closed without a permit")

    def _fail(self, problem: str) -> None:
        if not self.problem:
            self.problem = problem
        self._bank.stop()
