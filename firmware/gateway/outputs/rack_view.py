"""What a rack's data say about its switching state, and whether they can be believed now."""

from __future__ import annotations

from gateway.rack.data import (
    ABSENT,
    CONTACTOR_CLOSED,
    CONTACTOR_OPEN,
    CONTACTOR_STATE,
    GOOD,
    RACK_CURRENT_DA,
    RACK_VOLTAGE_DV,
    TEMP_MIN_DC,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gateway.rack.data import RackData
    from gateway.rack.writes import Write


class RackView:
    """Result of the last `look`, which allocates nothing; all of it is False or ABSENT at first.

    `fresh`: there is a good summary. `known`: current and contactor are known, from a good summary
    or from the answer of a BMS that lives but has not started; some fall back to that as soon as
    their contactor is open. `acquired`: ticks of the question that was answered so.
    `at_rest`: known, and the current is at most `rest_da` (0.1 A) either way.
    `reads_open`: known, and the contactor reads open, which neither "unknown" nor "pre-charging"
    is; where the map names a proof of its open command, that proof too.
    `reads_closed`: known, and the contactor reads closed.
    `voltage_dv`: of the last good summary, however old; ABSENT when there was none.
    `cold`: its coldest sensor was below 0 degC then.
    """

    def __init__(self, data: RackData, rest_da: int, command: Write | None) -> None:
        self._data = data
        self._rest_da = rest_da
        self._proof = command if command is not None and command.slot >= 0 else None
        self.fresh = False
        self.known = False
        self.at_rest = False
        self.reads_open = False
        self.reads_closed = False
        self.acquired = data.acquired
        self.voltage_dv = ABSENT
        self.cold = False

    def look(self, now: int) -> None:
        """Take in what the data say at `now`."""
        data = self._data
        self.fresh = data.quality(now) == GOOD
        starting = not self.fresh and data.is_starting(now)
        self.known = self.fresh or starting
        self.reads_open = not self.fresh and data.reads_open(now)
        self.reads_closed = False
        self.at_rest = starting  # such an answer is one only while nothing flows
        if starting:
            self.acquired = data.alive_at
        elif self.fresh:
            summary = data.summary
            state = summary[CONTACTOR_STATE]
            current_da = summary[RACK_CURRENT_DA]
            self.acquired = data.acquired
            self.voltage_dv = summary[RACK_VOLTAGE_DV]
            self.cold = summary[TEMP_MIN_DC] < 0
            self.reads_closed = state == CONTACTOR_CLOSED
            self.at_rest = current_da != ABSENT and abs(current_da) <= self._rest_da
            self.reads_open = state == CONTACTOR_OPEN
            if self._proof is not None and not self._proof.done(summary):
                self.reads_open = False
