"""Protection of one rack fed by hand: summaries, scans, silence, inputs, resets, restarts.

The only place in the tests of whole timelines that knows how protection is put together. Time is
a count of milliseconds that never wraps; the firmware gets it as ticks.
"""

from sample_site import settings

from gateway.clock import TICKS_MASK
from gateway.protection.changes import Changes
from gateway.protection.engine import RackProtection
from gateway.protection.interlocks import Interlocks
from gateway.protection.latches import BY_OPERATOR, BY_SERVICE
from gateway.protection.rules import NAMES, RACK_RULES, TEMP_RISE
from gateway.protection.shared_settings import SharedSettings
from gateway.rack import data as slots
from gateway.rack.data import RackData

CELLS = 4
TEMPS = 4
STALE_MS = 1500
HOT_DC = 400
OPERATOR = BY_OPERATOR
SERVICE = BY_SERVICE

HEALTHY = (
    ("state", 1), ("contactor_state", 1),
    ("alarm_warn_bits", 0), ("alarm_stop_bits", 0), ("alarm_trip_bits", 0),
    ("rack_voltage_dv", 6864), ("rack_current_da", 0), ("soc_pm", 500), ("soh_pm", 1000),
    ("cell_max_mv", 3310), ("cell_max_index", 1), ("cell_min_mv", 3290), ("cell_min_index", 2),
    ("cell_mean_mv", 3300), ("temp_max_dc", 250), ("temp_max_index", 0), ("temp_min_dc", 240),
    ("temp_min_index", 1), ("temp_mean_dc", 245), ("charge_limit_da", 1570),
    ("discharge_limit_da", 1570), ("insulation_kohm", 2000), ("cell_count", CELLS),
    ("temp_count", TEMPS),
)  # fmt: skip

# The inputs by number; of some detectors two or more count.
ROLES = (
    "gas_low", "gas_low", "gas_high", "smoke", "smoke", "estop", "door", "leak",
    "coolant",
)  # fmt: skip


def input_settings():
    """Inputs of every role as a configuration has them; the reset button is never pushed."""
    return [{"name": "reset", "number": len(ROLES), "role": "reset"}] + [
        {"name": "input%d" % number, "number": number, "role": ROLES[number]}
        for number in range(len(ROLES))
    ]


class HandInputs:
    """Digital inputs; a loop that is closed (1) is at rest, and so is an open button, the last."""

    def __init__(self):
        self.count = len(ROLES) + 1
        self.levels = bytearray([1] * len(ROLES) + [0])

    def get(self, number):
        return self.levels[number] == 1


class TimelineBench:
    """One rack and the site's inputs; `now` is in ms and never wraps."""

    def __init__(self, now=0, loaded=None):
        self.loaded = loaded or settings(inputs=input_settings())
        self.now = now
        self.inputs = HandInputs()
        self.hot = True
        self.rising = False
        self.watch = None  # called after every step
        self._build()

    def _build(self):
        ticks = self.ticks()
        self.changes = Changes()
        self.data = RackData(0, "rack01", CELLS, TEMPS, STALE_MS, ticks)
        for slot in range(len(self.data.supplied)):
            self.data.supplied[slot] = 1
            self.data.staging[slot] = 0
        for index in range(CELLS):
            self.data.cells_mv[index] = 3300 + index
        for index in range(TEMPS):
            self.data.temps_dc[index] = 240 + index
        self.put(dict(HEALTHY))
        self.interlocks = Interlocks(self.loaded, self.inputs, self.changes, ticks)
        self.protection = RackProtection(
            self.data, SharedSettings(self.loaded), self.interlocks, self.changes
        )
        self.decision = self.protection.decision

    def ticks(self):
        return self.now & TICKS_MASK

    # What happens to the rack.

    def put(self, values):
        """Values of the next summaries, by the names of their slots."""
        for name in values:
            self.data.staging[slots.SUMMARY_FIELDS.index(name)] = values[name]

    def fresh(self, after_ms, beat=1, still=False, late_ms=0):
        """A summary, asked for `late_ms` ago; the heartbeat counts on by `beat`.

        A mean temperature moves to and fro as measured values do, unless they stand `still`.
        """
        self.now += after_ms
        staging = self.data.staging
        staging[slots.HEARTBEAT] = (staging[slots.HEARTBEAT] + beat) & 0xFFFF
        if not still:
            staging[slots.TEMP_MEAN_DC] ^= 1
        self.data.take(self.now - late_ms & TICKS_MASK)
        self.step()

    def reject(self, after_ms):
        """An answer that cannot be believed."""
        self.now += after_ms
        self.data.reject(self.ticks())
        self.step()

    def scan_cells(self, values):
        """A whole scan of the cells; `values` by number."""
        self._scan(self.data.cells_mv, values)
        self.data.cells_acquired = self.ticks()
        self.data.cells_sequence += 1
        self.step()

    def scan_temps(self, values):
        """A whole scan of the temperatures."""
        self._scan(self.data.temps_dc, values)
        self.data.temps_sequence += 1
        self.step()

    def _scan(self, into, values):
        for index in values:
            if into[index] != values[index]:
                into[index] = values[index]
                self.data.values_moved(self.ticks())

    def wait(self, duration_ms, step_ms=50):
        """No answer; protection is stepped all the same."""
        end = self.now + duration_ms
        while self.now < end:
            self.now = min(self.now + step_ms, end)
            self.step()

    def signal(self, number, on):
        """An input goes to its alarm level, or back."""
        self.inputs.levels[number] = 0 if on else 1

    def order_open(self, ordered):
        """The outputs have ordered the contactor open, or no longer do."""
        self.protection.quantities.contactor.order(ordered, self.ticks())

    def step(self):
        ticks = self.ticks()
        data = self.data
        self.hot = data.quality(ticks) != slots.GOOD or data.summary[slots.TEMP_MAX_DC] > HOT_DC
        self.rising = self.protection.levels[TEMP_RISE] >= 2
        self.interlocks.step(self.hot, self.rising, ticks)
        self.protection.step(ticks)
        if self.watch is not None:
            self.watch()

    # What people do.

    def reset(self, by):
        """Result for the site's latches, then for the rack's."""
        return self.interlocks.reset(by), self.protection.reset(by, self.ticks())

    def kept(self):
        """What a restart finds on flash."""
        first = 2 * self.protection.latches.count
        kept = bytearray(first + 2 * self.interlocks.latches.count)
        self.protection.latches.keep(kept, 0)
        self.interlocks.latches.keep(kept, first)
        return kept

    def restart(self):
        """Everything new but the latches; the rack goes on as it is."""
        kept = self.kept()
        staging = list(self.data.staging)
        self._build()
        for slot in range(len(staging)):
            self.data.staging[slot] = staging[slot]
        self.restore(kept)

    def restore(self, kept):
        self.protection.latches.restore(kept, 0)
        self.interlocks.latches.restore(kept, 2 * self.protection.latches.count)
        self.protection.restored()
        self.interlocks.restored()

    # What protection decides.

    def level_of(self, rule):
        """Level of a rule by its name, with its latch."""
        number = NAMES.index(rule)
        if number >= RACK_RULES:
            return self.interlocks.level(number)
        return 3 if self.protection.latches.held(number) else self.protection.levels[number]

    def held(self, rule):
        """Whether a rule holds its trip."""
        number = NAMES.index(rule)
        holder = self.interlocks if number >= RACK_RULES else self.protection
        return holder.latches.held(number) == 1
