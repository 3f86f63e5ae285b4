"""Tells of limits set in a rack BMS that do not fit the gateway's; see `threshold_check`."""

from __future__ import annotations

from gateway.protection import rules
from gateway.protection.threshold_check import differences
from gateway.telemetry import records

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from gateway.config.limits import Limits
    from gateway.rack.poller import RackPoller

    Difference = tuple[str, int, int]


class BmsThresholds:
    """`found`: (name, theirs, ours) of each difference, per rack, as of its last reading.

    `note` is the recorder's. Comparing may take milliseconds and allocates: beside the critical
    loop only.
    """

    def __init__(
        self, pollers: Sequence[RackPoller], limits: Limits, note: Callable[..., None]
    ) -> None:
        self._pollers = pollers
        self._limits = limits
        self._note = note
        self._seen = [0] * len(pollers)  # number of the reading that was compared
        self.found: list[list[Difference]] = [[] for _ in pollers]

    def step(self) -> None:
        """Compare one rack whose thresholds were read anew; each difference is told once."""
        for index, poller in enumerate(self._pollers):
            if self._seen[index] != poller.data.thresholds_sequence:
                self._seen[index] = poller.data.thresholds_sequence
                self._compare(index, poller)
                return

    def _compare(self, index: int, poller: RackPoller) -> None:
        before = self.found[index]
        self.found[index] = differences(
            poller.threshold_names, poller.data.thresholds, self._limits
        )
        for difference in self.found[index]:
            if difference not in before:
                name, theirs, ours = difference
                self._note(
                    records.BMS_THRESHOLD,
                    index,
                    "%s is %d, looser than %d" % (name, theirs, ours),
                    (rules.NO_RULE, 0, theirs, ours),
                )
