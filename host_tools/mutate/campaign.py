"""Tries mutants, a few at a time, until all are judged or the time is over."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

from host_tools.mutate import forked
from host_tools.mutate.judge import KILLED, SURVIVED, judge
from host_tools.mutate.mutants import Mutant
from host_tools.mutate.selection import Selection
from host_tools.mutate.verdicts import KILLED as KILLED_WORD
from host_tools.mutate.verdicts import SURVIVED as SURVIVED_WORD
from host_tools.mutate.verdicts import TIMED_OUT, Verdicts

# Processor time: between tests, and how much slower than when its lines were counted, which alone
# takes three times as long, a mutant may make a test before it counts as hanging.
_BETWEEN_S = 5.0
_SLOWER = 2
# A trial that only waits; time of the clock, on a machine that has other things to do, too.
_WAIT_S = 120.0
_BUSY = 10
_SAVE_S = 10.0
_OUTCOMES = {SURVIVED: SURVIVED_WORD, KILLED: KILLED_WORD, forked.TIMED_OUT: TIMED_OUT}


@dataclass(frozen=True)
class Trial:
    """A mutant whose tests run now."""

    mutant: Mutant
    began_s: float


class Campaign:
    """`broken` counts trials that ended in no verdict: not the mutant's doing, tried again."""

    def __init__(self, selection: Selection, verdicts: Verdicts, processes: int) -> None:
        self._selection = selection
        self._verdicts = verdicts
        self._processes = processes
        self._running: dict[int, Trial] = {}
        self.tried = 0
        self.broken = 0

    def run(self, mutants: Iterator[Mutant], end_s: float, save: Callable[[], None]) -> bool:
        """Try those without a verdict; False when `end_s` came first. Saves now and then."""
        saved_s = time.monotonic()
        over = False
        try:
            for mutant in mutants:
                if time.monotonic() >= end_s:
                    over = True
                    break
                if self._verdicts.is_known(mutant, self._selection.digest):
                    continue
                self._start(mutant)
                if len(self._running) >= self._processes:
                    self._finish()
                if time.monotonic() - saved_s > _SAVE_S:
                    save()
                    saved_s = time.monotonic()
            while self._running:
                self._finish()
        finally:
            for child in self._running:
                forked.end(child)
        save()
        return not over

    def _start(self, mutant: Mutant) -> None:
        stages = self._selection.stages(mutant.module, mutant.line)
        cost_s = self._selection.cost_s(mutant.module, mutant.line)
        work = partial(judge, mutant.module, mutant.source, stages, self._limit)
        child = forked.start(work, _BETWEEN_S, _WAIT_S + _BUSY * cost_s)
        self._running[child] = Trial(mutant, time.monotonic())

    def _limit(self, test: str) -> None:
        """In the trial: the time of one test, and of what comes before the next one."""
        forked.limit(_BETWEEN_S + _SLOWER * self._selection.seconds.get(test, 0.0))

    def _finish(self) -> None:
        child, status = forked.reap()
        trial = self._running.pop(child)
        self.tried += 1
        if status in _OUTCOMES:
            self._verdicts.note(trial.mutant, _OUTCOMES[status], self._selection.digest)
        else:
            self.broken += 1
