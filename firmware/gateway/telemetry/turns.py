"""A row of steps, each of which has its turn whatever became of those before it."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.contracts import Log

# What may come and go while the rest works: no heap for a moment, a device that does not answer,
# a value out of its range. Anything else is a defect.
_PASSING = (MemoryError, OSError, ValueError)


class Turns:
    """`steps` are (name, step(now)). `failures` counts every error that came out of one.

    A passing error is told once for each step and class. An error of another kind goes on to the
    caller, behind all turns.
    """

    def __init__(self, steps: tuple[tuple[str, Callable[[int], None]], ...], log: Log) -> None:
        self._steps = steps
        self._log = log
        self._errors: list[Exception | None] = [None] * len(steps)  # of this round
        self._told: list[tuple[int, type[Exception]]] = []
        self.failures = 0

    def step(self, now: int) -> None:
        """One turn for each. Allocates nothing of its own while nothing fails."""
        failures = self.failures
        for number in range(len(self._steps)):
            try:
                self._steps[number][1](now)
            except Exception as error:  # noqa: BLE001 - told or raised behind the last turn
                self._errors[number] = error
                self.failures += 1
        if self.failures != failures:
            self._sort_out()

    def _sort_out(self) -> None:
        unknown: Exception | None = None
        for number in range(len(self._steps)):
            error = self._errors[number]
            self._errors[number] = None
            if error is None:
                continue
            if not isinstance(error, _PASSING):
                unknown = unknown or error
            elif (number, type(error)) not in self._told:
                self._told.append((number, type(error)))
                self._log.error("%s: %r; it goes on", self._steps[number][0], error)
        if unknown is not None:
            raise unknown
