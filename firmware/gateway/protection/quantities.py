"""What each rule looks at, as one integer: from the readings of a rack, or from their ages.

`values[rule]` is in the unit of the rule. ABSENT means that the rule has nothing to judge now: the
rack BMS does not supply a reading, or the rule's condition (a plateau, a direction) is not there.
Then its detectors neither advance nor clear.
"""

from __future__ import annotations

from array import array

from micropython import const

from gateway.config.rules import CHARGE, DISCHARGE
from gateway.protection import rules, scan_viper
from gateway.protection.contactor_watch import ContactorWatch
from gateway.protection.rates import VoltageRate
from gateway.protection.temp_rise import TempRise
from gateway.rack import data as slots
from gateway.rack.data import ABSENT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gateway.protection.shared_settings import SharedSettings
    from gateway.rack.data import RackData

_FREEZING_DC = const(0)
_PLATEAU_LOWEST_MV = const(3200)  # of the mean; there LFP cells of one rack lie close together
_PLATEAU_HIGHEST_MV = const(3340)
_PLATEAU_C = const(5)  # only below capacity / 5 h
# 30 s at twice the capacity per hour only below 80 % SOC charging, above 30 % discharging (one
# cell maker's data sheet).
_CHARGE_GATE_PM = const(800)
_DISCHARGE_GATE_PM = const(300)
_FOLLOW_MS = const(5000)
_SCAN_STALE_MS = const(120000)
_CELL_LOWEST_MV = const(1000)  # a reading outside is no cell
_CELL_SPAN_MV = const(3500)
_TEMP_ZERO = const(0x8000)  # 0 degC, as signed values are looked at
_TEMP_LOWEST = const(0x8000 - 500)  # a reading outside is no sensor
_TEMP_SPAN_DC = const(1500)
# Judged, but not vital.
_LOST = (slots.SOC_PM, slots.CELL_MEAN_MV, slots.CHARGE_LIMIT_DA, slots.DISCHARGE_LIMIT_DA)
_LOST_LONGEST = const(1 << 20)
# Columns of the limits that the current is compared with.
_RECENT = const(0)  # highest of this window, charge and discharge
_PAST = const(2)  # and of the one before


class Quantities:
    """Of one rack; preallocated, nothing here allocates."""

    def __init__(self, data: RackData, settings: SharedSettings) -> None:
        self.values = array("i", [ABSENT] * rules.RACK_RULES)
        self.contactor = ContactorWatch()
        self._data = data
        self._settings = settings
        self._limits_da = array("i", [0] * 4)
        self._window_ms = 0
        self._charge_fill = 0  # of the peak budgets
        self._discharge_fill = 0
        self._voltage_rate = VoltageRate()
        self._temp_rise = TempRise(len(data.temps_dc))
        # Which of them ever had a reading: a bit for each cell, then for each sensor.
        self._seen = bytearray((len(data.cells_mv) + len(data.temps_dc) + 7) // 8)
        self._temp_lost = False
        self._lost_ms = 0
        self._unknown_ms = 0
        self._resting = True

    def take_summary(self, elapsed_ms: int, span_ms: int) -> None:
        """A fresh summary; `elapsed_ms` as for the detectors, `span_ms` since the last one."""
        summary = self._data.summary
        current_da = summary[slots.RACK_CURRENT_DA]
        self._take_voltages(summary, current_da, span_ms)
        self._take_currents(summary, current_da, elapsed_ms)
        self._take_temperatures(summary, current_da)
        self._note_lost(summary, elapsed_ms)
        self._resting = abs(current_da) <= self._settings.rest_da
        self.contactor.take(summary[slots.CONTACTOR_STATE], not self._resting)

    def take_limits(self, charge_da: int, discharge_da: int, elapsed_ms: int) -> None:
        """The currents allowed while this summary was measured; after `take_summary`.

        A converter takes some seconds to follow: the highest limit of the last 5 to 10 s counts.
        """
        limits_da = self._limits_da
        self._window_ms += elapsed_ms
        if self._window_ms >= _FOLLOW_MS:
            self._window_ms = 0
            for direction in range(_PAST):
                limits_da[_PAST + direction] = limits_da[direction]
                limits_da[direction] = 0
        limits_da[_RECENT] = max(limits_da[_RECENT], charge_da)
        limits_da[_RECENT + 1] = max(limits_da[_RECENT + 1], discharge_da)
        current_da = self._data.summary[slots.RACK_CURRENT_DA]
        direction = 0 if current_da >= 0 else 1
        current_da = abs(current_da)
        limit_da = max(limits_da[direction], limits_da[_PAST + direction])
        over_pm = 0
        if current_da > limit_da + self._settings.tolerance_da:
            over_pm = current_da * 1000 // max(limit_da, self._settings.rest_da)
        self.values[rules.LIMIT_NOT_RESPECTED] = over_pm

    def take_stops(self, stopped: int) -> None:
        """Of which directions a level 2 stops the current; after `take_summary`."""
        current_da = self._data.summary[slots.RACK_CURRENT_DA]
        over_pm = 0
        if current_da > 0 and stopped & CHARGE:
            over_pm = current_da * 1000 // self._settings.charge_da
        elif current_da < 0 and stopped & DISCHARGE:
            over_pm = -current_da * 1000 // self._settings.discharge_da
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
        all_here = 0 if self._data.missing_registers else 1
        bad = scan_viper.count_lost(
            len(cells), 0, self._seen, cells, 0, _CELL_LOWEST_MV, _CELL_SPAN_MV, all_here
        )
        self.values[rules.BAD_CELLS] = bad if bad or not self._temp_lost else 1

    def take_temps(self, elapsed_ms: int) -> None:
        """A whole scan of the temperatures, `elapsed_ms` after the one before (0 = the first)."""
        temps = self._data.temps_dc
        rise = self._temp_rise
        rise.step(temps, elapsed_ms)
        # After a long silence nobody knows; at the start nothing has risen yet.
        known = rise.known or not elapsed_ms
        self.values[rules.TEMP_RISE] = rise.rise if known else ABSENT
        self.values[rules.TEMP_RISE_HOT] = rise.hot_rise if known else ABSENT
        first = len(self._data.cells_mv)
        lost = scan_viper.count_lost(
            len(temps), first, self._seen, temps, _TEMP_ZERO, _TEMP_LOWEST, _TEMP_SPAN_DC, 0
        )
        self._temp_lost = lost > 0 and not self._data.suspect

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
            # Between answers, not until now: silence is another rule's business. What a BMS that
            # has to start anew did before must not keep it from starting.
            starting = data.is_starting(now)
            if data.supplied[slots.HEARTBEAT]:
                values[rules.HEARTBEAT_FROZEN] = 0 if starting else data.heartbeat_still_ms()
            still_ms = 0 if starting else data.values_still_ms()
            if data.supplied[slots.HEARTBEAT] and self._resting:
                still_ms = min(still_ms, self._settings.resting_highest)
            values[rules.VALUES_FROZEN] = still_ms
        fresh = data.quality(now) == slots.GOOD
        scan_ms = max(cells_age_ms, temps_age_ms) - _SCAN_STALE_MS
        lost_ms = max(self._lost_ms, scan_ms if fresh else 0)
        values[rules.IMPLAUSIBLE] = max(
            data.implausible_ms(now),
            min(lost_ms, self._settings.lost_highest),
            min(self._unknown_ms, self._settings.unknown_highest),
        )
        values[rules.CONTACTOR_MISMATCH] = self.contactor.mismatch_ms(fresh, now)
        values[rules.PRECHARGE] = self.contactor.failed_tries(fresh, now)
        if not fresh or self.contactor.is_counting():
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
            values[rules.VOLTAGE_SUM] = abs(rack_dv - mean_mv * self._settings.cells // 100)
        if mean_mv == ABSENT:
            mean_mv = rack_dv * 100 // self._settings.cells
        values[rules.VOLTAGE_SPREAD] = ABSENT
        if (
            _PLATEAU_LOWEST_MV <= mean_mv <= _PLATEAU_HIGHEST_MV
            and abs(current_da) * _PLATEAU_C < self._settings.capacity_dah
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
        budget = self._settings.charge_budget
        self._charge_fill = budget.flow(self._charge_fill, charge_da, elapsed_ms)
        values[rules.CHARGE_PEAK_BUDGET] = budget.used_pm(
            self._charge_fill, charge_da, known and soc_pm < _CHARGE_GATE_PM
        )
        budget = self._settings.discharge_budget
        self._discharge_fill = budget.flow(self._discharge_fill, discharge_da, elapsed_ms)
        values[rules.DISCHARGE_PEAK_BUDGET] = budget.used_pm(
            self._discharge_fill, discharge_da, known and soc_pm > _DISCHARGE_GATE_PM
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
        values[rules.COLD_CHARGING] = current_da * 1000 // self._settings.charge_da if cold else 0
        values[rules.INSULATION] = summary[slots.INSULATION_KOHM]

    def _note_lost(self, summary: array[int], elapsed_ms: int) -> None:
        lost = False
        for slot in _LOST:
            lost = lost or (self._data.supplied[slot] != 0 and summary[slot] == ABSENT)
        self._lost_ms = min(self._lost_ms + elapsed_ms, _LOST_LONGEST) if lost else 0
        slot = slots.INSULATION_KOHM
        unknown = self._data.supplied[slot] != 0 and summary[slot] == ABSENT
        self._unknown_ms = min(self._unknown_ms + elapsed_ms, _LOST_LONGEST) if unknown else 0
