"""A trip decision on levels and latches that are set by hand."""

from sample_site import settings
from timeline_bench import HandInputs, input_settings

from gateway.protection.changes import Changes
from gateway.protection.decision import Decision
from gateway.protection.interlocks import Interlocks
from gateway.protection.latches import Latches
from gateway.protection.rules import RACK_RULES
from gateway.protection.shared_settings import SharedSettings
from gateway.rack import data as slots
from gateway.rack.data import RackData

LOADED = settings(inputs=input_settings())
SETTINGS = SharedSettings(LOADED)


class Decider:
    """A decision on levels and latches that are set by hand; nothing is wrong at first."""

    def __init__(self):
        self.data = RackData(0, "rack01", 4, 4, 1500, 0)
        for slot in range(len(self.data.summary)):
            self.data.summary[slot] = 0
        for slot, value in ((slots.CELL_MAX_MV, 3300), (slots.CELL_MIN_MV, 3290)):
            self.data.summary[slot] = value
        for slot in (slots.TEMP_MAX_DC, slots.TEMP_MIN_DC):
            self.data.summary[slot] = 250
        for slot in (slots.CHARGE_LIMIT_DA, slots.DISCHARGE_LIMIT_DA):
            self.data.summary[slot] = 1570
        self.levels = bytearray(RACK_RULES)
        self.latches = Latches(0, RACK_RULES)
        self.interlocks = Interlocks(LOADED, HandInputs(), Changes(), 0)
        self.decision = Decision(self.data, SETTINGS, self.levels, self.latches, self.interlocks)
        self.has_data = True

    def set_level(self, rule, level):
        if rule < RACK_RULES:
            self.levels[rule] = level
        else:
            self.interlocks.levels[rule - RACK_RULES] = level

    def set_latch(self, rule, held):
        latches = self.latches if rule < RACK_RULES else self.interlocks.latches
        if held:
            latches.trip(rule)
        else:
            self.set_level(rule, 0)
            self.assert_released(latches.reset(self.levels_of(rule), 1, True))

    def levels_of(self, rule):
        return self.levels if rule < RACK_RULES else self.interlocks.levels

    def assert_released(self, result):
        assert result == 0, result

    def start(self):
        """The BMS lives and has not started."""
        self.data.take_sign_of_life(0, True)

    def permit(self):
        self.decision.make(self.has_data, 100)
        return self.decision.permit
