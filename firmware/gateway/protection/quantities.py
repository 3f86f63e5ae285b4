"""What each rule looks at, as one integer: from the readings of a rack, or from their ages.

`values[rule]` is in the unit of the rule. ABSENT means that the rule has nothing to judge now: the
rack BMS does not supply a reading, or the rule's condition (a plateau, a direction) is not there.
Then its detectors neither advance nor clear.
"""

from __future__ import annotations

from array import array

from gateway.protection import rules
from gateway.protection.contactor_watch import ContactorWatch
from gateway.protection.peak_budget import PeakBudget
from gateway.protection.rates import VoltageRate
from gateway.protection.temp_rise import TempRise
from gateway.rack import data as slots
from gateway.rack.data import ABSENT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gateway.config import Config
    from gateway.rack.data import RackData

_FREEZING_DC = 0
_PLATEAU_MV = (3200, 3340)  # of the mean; there LFP cells of one rack lie close together
_PLATEAU_C = 5  # only below capacity / 5 h
# 30 s at twice the capacity per hour only below 80 % SOC charging, above 30 % discharging (one
# cell maker's data sheet).
_CHARGE_GATE_PM = 800
_DISCHARGE_GATE_PM = 300
_FOLLOW_MS = 5000
_TOLERANCE = 20  # one part of the rating, for measuring and for uneven sharing
_SCAN_STALE_MS = 120000
_CELL_MV = (1000, 4500)  # a reading outside is no cell
_TEMP_DC = (-500, 1000)  # a reading outside is no sensor
# Judged, but not vital.
_LOST = (slots.SOC_PM, slots.CELL_MEAN_MV, slots.CHARGE_LIMIT_DA, slots.DISCHARGE_LIMIT_DA)
_LOST_LONGEST = 1 << 20


class Quantities:
    """Of one rack; preallocated, nothing here allocates."""

    def __init__(self, data: RackData, settings: Config) -> None:
        self.values = array("i", [ABSENT] * rules.RACK_RULES)
        self.contactor = ContactorWatch()
        self.rest_da = _rest_da(settings)
        self._data = data
        self._cells = settings.integer("cells_per_rack")
        self._charge_rating = settings.integer("charge_current_da")
        self._discharge_rating = settings.integer("discharge_current_da")
        self._tolerance_da = max(self._charge_rating, self._discharge_rating) // _TOLERANCE
        self._recent_da = [0, 0]  # highest limits of this window, charge and discharge
        self._past_da = [0, 0]  # and of the one before
        self._window_ms = 0
        self._capacity = settings.integer("capacity_dah")
        self._charge_budget = PeakBudget(self._charge_rating, self._capacity)
        self._discharge_budget = PeakBudget(self._discharge_rating, self._capacity)
        self._voltage_rate = VoltageRate()
        self._temp_rise = TempRise(len(data.temps_dc))
        self._cell_seen = bytearray(len(data.cells_mv))
        self._temp_seen = bytearray(len(data.temps_dc))
        self._temp_lost = False
        self._lost_ms = 0
        self._unknown_ms = 0
        self._resting = True
        # What is lost beside a good summary stops the currents, but opens nothing. Insulation is
        # measured by one rack of several in parallel, so without it there is a warning only.
        self._lost_highest = _below(settings, "implausible", 2)
        self._unknown_highest = _below(settings, "implausible", 1)
        # A rack at rest whose heartbeat counts may show the same values for a whole night.
        self._resting_highest = _below(settings, "values_frozen", 2)

    def take_summary(self, elapsed_ms: int, span_ms: int) -> None:
        """A fresh summary; `elapsed_ms` as for the detectors, `span_ms` since the last one."""
        summary = self._data.summary
        current_da = summary[slots.RACK_CURRENT_DA]
        self._take_voltages(summary, current_da, span_ms)
        self._take_currents(summary, current_da, elapsed_ms)
        self._take_temperatures(summary, current_da)
        self._note_lost(summary, elapsed_ms)
        self._resting = abs(current_da) <= self.rest_da
        self.contactor.take(summary[slots.CONTACTOR_STATE], not self._resting)

    def take_limits(self, charge_da: int, discharge_da: int, elapsed_ms: int) -> None:
        """The currents allowed while this summary was measured; after `take_summary`.

        A converter takes some seconds to follow: the highest limit of the last 5 to 10 s counts.
        """
        self._window_ms += elapsed_ms
        if self._window_ms >= _FOLLOW_MS:
            self._window_ms = 0
            self._past_da[0], self._past_da[1] = self._recent_da[0], self._recent_da[1]
            self._recent_da[0] = self._recent_da[1] = 0
        self._recent_da[0] = max(self._recent_da[0], charge_da)
        self._recent_da[1] = max(self._recent_da[1], discharge_da)
        current_da = self._data.summary[slots.RACK_CURRENT_DA]
        direction = 0 if current_da >= 0 else 1
        current_da = abs(current_da)
        limit_da = max(self._recent_da[direction], self._past_da[direction])
        over_pm = 0
        if current_da > limit_da + self._tolerance_da:
            over_pm = current_da * 1000 // max(limit_da, self.rest_da)
        self.values[rules.LIMIT_NOT_RESPECTED] = over_pm

    def take_stops(self, charge_stopped: bool, discharge_stopped: bool) -> None:
        """Whether a level 2 stops a direction; after `take_summary`."""
        current_da = self._data.summary[slots.RACK_CURRENT_DA]
        over_pm = 0
        if current_da > 0 and charge_stopped:
            over_pm = current_da * 1000 // self._charge_rating
        elif current_da < 0 and discharge_stopped:
            over_pm = -current_da * 1000 // self._discharge_rating
        self.values[rules.STOP_NOT_RESPECTED] = over_pm

    def take_cells(self) -> None:
        """A whole scan of the cells: how many have no reading of a cell.

        Where registers are missing in this device, only those that were there before.

        A temperature sensor that was lost counts like one cell, however many they are.
        While the summaries are no good either, it is the BMS that is not well, not its cells.
        """
        if self._data.suspect:
            self.values[rules.BAD_CELLS] = ABSENT
            return
        cells = self._data.cells_mv
        seen = self._cell_seen
        all_here = not self._data.missing_registers
        bad = 0
        for index in range(len(cells)):
            if _CELL_MV[0] <= cells[index] <= _CELL_MV[1]:
                seen[index] = 1
            elif all_here or seen[index]:
                bad += 1
        self.values[rules.BAD_CELLS] = bad if bad or not self._temp_lost else 1

    def take_temps(self, elapsed_ms: int) -> None:
        """A whole scan of the temperatures, `elapsed_ms` after the one before (0 = the first)."""
        temps = self._data.temps_dc
        self.values[rules.TEMP_RISE] = self._temp_rise.step(temps, elapsed_ms)
        self.values[rules.TEMP_RISE_HOT] = self._temp_rise.hot_rise
        seen = self._temp_seen
        lost = False
        for index in range(len(temps)):
            if _TEMP_DC[0] <= temps[index] <= _TEMP_DC[1]:
                seen[index] = 1
            elif seen[index]:
                lost = True
        self._temp_lost = lost and not self._data.suspect

    def age(self, cells_age_ms: int, temps_age_ms: int, now: int) -> int:
        """What grows by time alone; the silence of the rack is the caller's.

        Ages of the last whole scans, 0 where there was none yet. Returns for how many
        milliseconds all of it stays as it is when nothing new comes.
        """
        data = self._data
        values = self.values
        values[rules.HEARTBEAT_FROZEN] = ABSENT
        values[rules.VALUES_FROZEN] = ABSENT
        if data.sequence:
            # Between answers, not until now: silence is another rule's business.
            if data.supplied[slots.HEARTBEAT]:
                values[rules.HEARTBEAT_FROZEN] = data.heartbeat_still_ms()
            still_ms = data.values_still_ms()
            if data.supplied[slots.HEARTBEAT] and self._resting:
                still_ms = min(still_ms, self._resting_highest)
            values[rules.VALUES_FROZEN] = still_ms
        fresh = data.quality(now) == slots.GOOD
        scan_ms = max(cells_age_ms, temps_age_ms) - _SCAN_STALE_MS
        lost_ms = max(self._lost_ms, scan_ms if fresh else 0)
        values[rules.IMPLAUSIBLE] = max(
            data.implausible_ms(now),
            min(lost_ms, self._lost_highest),
            min(self._unknown_ms, self._unknown_highest),
        )
        values[rules.CONTACTOR_MISMATCH] = self.contactor.mismatch_ms(fresh, now)
        values[rules.PRECHARGE] = self.contactor.failed_tries(fresh, now)
        if not fresh or self.contactor.counting:
            return 0
        return min(-scan_ms, data.stale_after_ms - data.age_ms(now))

    def _take_voltages(self, summary: array[int], current_da: int, span_ms: int) -> None:
        values = self.values
        highest_mv = summary[slots.CELL_MAX_MV]
        lowest_mv = summary[slots.CELL_MIN_MV]
        mean_mv = summary[slots.CELL_MEAN_MV]
        values[rules.CELL_OVERVOLTAGE] = highest_mv
        values[rules.CELL_UNDERVOLTAGE] = lowest_mv
        values[rules.DEEP_DISCHARGE] = lowest_mv
        rack_dv = summary[slots.RACK_VOLTAGE_DV]
        values[rules.RACK_OVERVOLTAGE] = rack_dv
        values[rules.RACK_UNDERVOLTAGE] = rack_dv
        values[rules.VOLTAGE_SUM] = ABSENT
        if self._data.supplied[slots.CELL_MEAN_MV] and mean_mv != ABSENT:
            values[rules.VOLTAGE_SUM] = abs(rack_dv - mean_mv * self._cells // 100)
        if mean_mv == ABSENT:
            mean_mv = rack_dv * 100 // self._cells
        values[rules.VOLTAGE_SPREAD] = ABSENT
        if (
            _PLATEAU_MV[0] <= mean_mv <= _PLATEAU_MV[1]
            and abs(current_da) * _PLATEAU_C < self._capacity
        ):
            values[rules.VOLTAGE_SPREAD] = highest_mv - lowest_mv
        values[rules.VOLTAGE_RATE] = self._voltage_rate.step(highest_mv - lowest_mv, span_ms)

    def _take_currents(self, summary: array[int], current_da: int, elapsed_ms: int) -> None:
        values = self.values
        charge_da = current_da if current_da > 0 else 0
        discharge_da = -current_da if current_da < 0 else 0
        values[rules.CHARGE_OVERCURRENT] = charge_da
        values[rules.DISCHARGE_OVERCURRENT] = discharge_da
        values[rules.CHARGE_PEAK_CURRENT] = charge_da
        values[rules.DISCHARGE_PEAK_CURRENT] = discharge_da
        soc_pm = summary[slots.SOC_PM]
        known = soc_pm != ABSENT
        values[rules.CHARGE_PEAK_BUDGET] = self._charge_budget.step(
            charge_da, known and soc_pm < _CHARGE_GATE_PM, elapsed_ms
        )
        values[rules.DISCHARGE_PEAK_BUDGET] = self._discharge_budget.step(
            discharge_da, known and soc_pm > _DISCHARGE_GATE_PM, elapsed_ms
        )

    def _take_temperatures(self, summary: array[int], current_da: int) -> None:
        values = self.values
        hottest_dc = summary[slots.TEMP_MAX_DC]
        coldest_dc = summary[slots.TEMP_MIN_DC]
        values[rules.CHARGE_OVERTEMPERATURE] = hottest_dc
        values[rules.DISCHARGE_OVERTEMPERATURE] = hottest_dc
        values[rules.CHARGE_UNDERTEMPERATURE] = coldest_dc
        values[rules.DISCHARGE_UNDERTEMPERATURE] = coldest_dc
        values[rules.TEMP_SPREAD] = hottest_dc - coldest_dc
        cold = current_da > 0 and coldest_dc < _FREEZING_DC
        values[rules.COLD_CHARGING] = current_da * 1000 // self._charge_rating if cold else 0
        values[rules.INSULATION] = summary[slots.INSULATION_KOHM]

    def _note_lost(self, summary: array[int], elapsed_ms: int) -> None:
        lost = False
        for slot in _LOST:
            lost = lost or (self._data.supplied[slot] != 0 and summary[slot] == ABSENT)
        self._lost_ms = min(self._lost_ms + elapsed_ms, _LOST_LONGEST) if lost else 0
        slot = slots.INSULATION_KOHM
        unknown = self._data.supplied[slot] != 0 and summary[slot] == ABSENT
        self._unknown_ms = min(self._unknown_ms + elapsed_ms, _LOST_LONGEST) if unknown else 0


def _below(settings: Config, rule: str, level: int) -> int:
    """The largest value that does not reach a level (0..2) of a rule."""
    return settings.limits[rule][level].set_point - 1  # type: ignore[union-attr]


def _rest_da(settings: Config) -> int:
    """Current up to which a rack counts as at rest, 0.1 A."""
    rating = max(settings.integer("charge_current_da"), settings.integer("discharge_current_da"))
    return rating * settings.integer("rest_current_pm") // 1000
