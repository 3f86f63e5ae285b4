"""One rack's protection without a bus: summaries and scans put in by hand, every 500 ms."""

from fake_hardware import HandClock
from sample_site import settings

from gateway.protection import rules
from gateway.protection.changes import Changes
from gateway.protection.engine import RackProtection
from gateway.protection.interlocks import Interlocks
from gateway.protection.shared_settings import SharedSettings
from gateway.rack import data as slots
from gateway.rack.data import RackData

HEALTHY = {
    slots.CONTACTOR_STATE: 1,
    slots.RACK_VOLTAGE_DV: 6864,
    slots.RACK_CURRENT_DA: 0,
    slots.SOC_PM: 500,
    slots.CELL_MAX_MV: 3310,
    slots.CELL_MIN_MV: 3290,
    slots.CELL_MEAN_MV: 3300,
    slots.TEMP_MAX_DC: 250,
    slots.TEMP_MIN_DC: 240,
    slots.CHARGE_LIMIT_DA: 1570,
    slots.DISCHARGE_LIMIT_DA: 1570,
    slots.INSULATION_KOHM: 5000,
}


class Inputs:
    """Digital inputs; nothing is wired unless the configuration says so."""

    count = 8

    def __init__(self):
        self.levels = [True] * self.count
        self.levels[0] = False  # the reset push-button

    def get(self, number):
        return self.levels[number]


class Bench:
    """A healthy rack at rest; `put` changes its readings, `fresh` lets it answer."""

    def __init__(self, index=0, start=0x3FFFF000, cells=4, temps=2, **changes):
        self.settings = settings(**changes)
        self.clock = HandClock(start)
        now = self.clock.ticks()
        self.data = RackData(index, "rack01", cells, temps, 1500, now)
        self.changes = Changes()
        self.inputs = Inputs()
        self.interlocks = Interlocks(self.settings, self.inputs, self.changes, now)
        self.protection = RackProtection(
            self.data,
            SharedSettings(self.settings),
            self.interlocks,
            self.changes,
        )
        self.decision = self.protection.decision
        self.readings = dict(HEALTHY)
        self.beat = True  # the heartbeat counts and one cell is never still
        for slot in range(len(self.data.supplied)):
            self.data.supplied[slot] = 1

    def put(self, readings):
        """Change readings by slot."""
        for slot in readings:
            self.readings[slot] = readings[slot]

    def answer(self):
        """A good summary, as of now."""
        staging = self.data.staging
        for slot in range(len(staging)):
            staging[slot] = self.readings.get(slot, 0)
        if self.beat:
            staging[slots.HEARTBEAT] = self.data.sequence & 0xFFFF
            staging[slots.CELL_MAX_INDEX] = self.data.sequence & 1
        self.data.take(self.clock.ticks())
        self.protection.step(self.clock.ticks())

    def fresh(self, duration_ms, period_ms=500):
        """Answers at the end of each period."""
        for _ in range(duration_ms // period_ms):
            self.clock.advance(period_ms)
            self.answer()

    def silence(self, duration_ms):
        """Time without an answer."""
        for _ in range(duration_ms // 50):
            self.protection.step(self.clock.advance(50))

    def starts(self, duration_ms):
        """Signs of life of a BMS that has not started, at the end of each half second."""
        for _ in range(duration_ms // 500):
            self.data.take_sign_of_life(self.clock.advance(500), True)
            self.protection.step(self.clock.ticks())

    def inputs_for(self, duration_ms, hot=False, rising=False):
        """Time in which the inputs are looked at, and the rack answers as usual."""
        for step in range(duration_ms // 10):
            now = self.clock.advance(10)
            self.interlocks.step(hot, rising, now)
            if step % 50 == 49:
                self.answer()
            self.protection.step(now)

    def scan_cells(self, cells_mv):
        """A whole scan of the cells."""
        for index in range(len(cells_mv)):
            self.data.cells_mv[index] = cells_mv[index]
        self.data.cells_sequence += 1
        self.protection.step(self.clock.ticks())

    def scan_temps(self, temps_dc):
        """A whole scan of the temperatures."""
        for index in range(len(temps_dc)):
            self.data.temps_dc[index] = temps_dc[index]
        self.data.temps_sequence += 1
        self.protection.step(self.clock.ticks())

    def level_of(self, rule):
        """What the detectors of a rule say, by name."""
        number = rules.NAMES.index(rule)
        if number >= rules.RACK_RULES:
            return self.interlocks.levels[number - rules.RACK_RULES]
        return self.protection.levels[number]
