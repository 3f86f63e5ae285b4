"""Several racks, the site's inputs and the enforcing step over one random timeline, without buses.

Racks answer every 500 ms unless they are silent. Their contactors follow the trip relays, and the
current with them, unless they are welded. Whatever is written to a BMS is kept in `limits`.
"""

from __future__ import annotations

from fake_hardware import FakeDeadMan, FakeRelays
from hypothesis import strategies as st
from sample_site import settings
from timeline_bench import CELLS, HEALTHY, ROLES, STALE_MS, TEMPS, HandInputs, input_settings
from timelines import READINGS

from gateway.clock import TICKS_MASK
from gateway.config.rules import OPEN, REACTIONS, RULES
from gateway.outputs.enforcer import Enforcer
from gateway.protection.changes import Changes
from gateway.protection.engine import RackProtection
from gateway.protection.interlocks import Interlocks
from gateway.protection.rules import RACK_RULES, RULE_COUNT
from gateway.protection.shared_settings import SharedSettings
from gateway.rack import data as slots
from gateway.rack.data import RackData

ARM_MS = 2000
PERIOD_MS = 500
STEP_MS = 50
SITE_RELAYS = {"site_relay": 10, "ventilation_relay": 11, "suppression_relay": 12}


class Poller:
    """What the enforcing step asks of a rack's poller."""

    opening_write = None

    def __init__(self, data: RackData) -> None:
        self.data = data
        self.hot = False
        self.commanded_open = False
        self.limits = (0, 0)

    def open_contactor(self, now: int) -> None:
        self.commanded_open = True

    def leave_contactor(self) -> None:
        self.commanded_open = False

    def set_limits(self, charge_da: int, discharge_da: int, now: int) -> None:
        self.limits = (charge_da, discharge_da)


class GuardedRelays(FakeRelays):
    """Tells `guard` of every relay that is about to close."""

    def __init__(self, count: int) -> None:
        super().__init__(count)
        self.guard = lambda number: None

    def set(self, number: int, energised: int) -> None:
        if energised and not self.state[number]:
            self.guard(number)
        super().set(number, energised)


class SiteTimeline:
    def __init__(self, racks: int = 2, now: int = 0, shared_dc_bus: int = 1) -> None:
        outputs = {"arm_delay_ms": ARM_MS, "shared_dc_bus": shared_dc_bus, **SITE_RELAYS}
        self.loaded = settings(racks=racks, inputs=input_settings(), outputs=outputs)
        self.now = now
        self.relays = GuardedRelays(16)
        self.inputs = HandInputs()
        self.changes = Changes()
        ticks = self.ticks()
        self.data = [RackData(n, f"rack{n}", CELLS, TEMPS, STALE_MS, ticks) for n in range(racks)]
        self.pollers = [Poller(data) for data in self.data]
        self.readings = [dict(HEALTHY) for _ in range(racks)]
        self.silent = [False] * racks
        self.welded = [False] * racks
        self.interlocks = Interlocks(self.loaded, self.inputs, self.changes, ticks)
        shared = SharedSettings(self.loaded)
        self.protections = [
            RackProtection(data, shared, self.interlocks, self.changes) for data in self.data
        ]
        for protection in self.protections:
            protection.limits_sent = True
            for slot in range(len(protection.data.supplied)):
                protection.data.supplied[slot] = 1
        self.enforcer = Enforcer(
            [],
            self.pollers,
            self.protections,
            self.interlocks,
            self.relays,
            FakeDeadMan(),
            self.loaded,
            ticks,
        )
        self.beats = 0

    def ticks(self) -> int:
        return self.now & TICKS_MASK

    def outputs(self) -> list[tuple]:
        """Relay, command and limits of each rack."""
        return [
            (self.relays.state[index], poller.commanded_open, poller.limits)
            for index, poller in enumerate(self.pollers)
        ]

    def site_outputs(self) -> tuple:
        return tuple(self.relays.state[number] for number in SITE_RELAYS.values())

    def must_stay_open(self, rack: int) -> list[str]:
        """Rules whose level 3 or latch forbids this rack to close now."""
        protection = self.protections[rack]
        found = []
        for rule in range(RULE_COUNT):
            site = rule >= RACK_RULES
            holder = self.interlocks if site else protection
            level = holder.levels[rule - RACK_RULES if site else rule]
            if holder.latches.held(rule) or (level == 3 and RULES[rule][REACTIONS][2] >= OPEN):
                found.append(RULES[rule][0])
        return found

    def run(self, duration_ms: int) -> None:
        end = self.now + duration_ms
        while self.now < end:
            self.now += STEP_MS
            if self.now % PERIOD_MS == 0:
                self.beats += 1
                for rack in range(len(self.data)):
                    if not self.silent[rack]:
                        self._answer(rack)
            self.enforcer.step(self.ticks())

    def _answer(self, rack: int) -> None:
        staging = self.data[rack].staging
        for name, value in self.readings[rack].items():
            staging[slots.SUMMARY_FIELDS.index(name)] = value
        staging[slots.HEARTBEAT] = self.beats & 0xFFFF
        staging[slots.TEMP_MEAN_DC] ^= self.beats & 1
        if not (self.relays.state[rack] or self.welded[rack]):
            staging[slots.CONTACTOR_STATE] = slots.CONTACTOR_OPEN
            staging[slots.RACK_CURRENT_DA] = 0
        self.data[rack].take(self.ticks())

    def do(self, move: tuple) -> None:
        getattr(self, "_do_" + move[0])(*move[1:])

    def _do_read(self, rack: int, slot: str, value: int, duration_ms: int) -> None:
        self.readings[rack % len(self.data)][slot] = value
        self.run(duration_ms)

    def _do_silent(self, rack: int, silent: bool, duration_ms: int) -> None:
        self.silent[rack % len(self.data)] = silent
        self.run(duration_ms)

    def _do_welded(self, rack: int, welded: bool) -> None:
        self.welded[rack % len(self.data)] = welded

    def _do_input(self, number: int, on: bool, duration_ms: int) -> None:
        self.inputs.levels[number] = not on
        self.run(duration_ms)

    def _do_reset(self, by: int) -> None:
        self.interlocks.reset(by)
        for protection in self.protections:
            protection.reset(by, self.ticks())
        self.run(STEP_MS)

    def _do_well(self, duration_ms: int) -> None:
        for number in range(len(ROLES)):
            self.inputs.levels[number] = 1
        for rack in range(len(self.data)):
            self.readings[rack] = dict(HEALTHY)
            self.silent[rack] = self.welded[rack] = False
        self.run(duration_ms)


RACKS = st.integers(0, 2)
TIMES_MS = st.sampled_from([500, 1000, 3000, 6000, 12000])
READS = st.sampled_from([(slot, value) for slot in sorted(READINGS) for value in READINGS[slot]])
MOVES = st.one_of(
    st.builds(lambda rack, read, ms: ("read", rack, *read, ms), RACKS, READS, TIMES_MS),
    st.builds(lambda rack, read, ms: ("read", rack, *read, ms), RACKS, READS, TIMES_MS),
    st.tuples(st.just("silent"), RACKS, st.booleans(), TIMES_MS),
    st.tuples(st.just("welded"), RACKS, st.booleans()),
    st.tuples(st.just("input"), st.integers(0, len(ROLES) - 1), st.booleans(), st.just(1000)),
    st.tuples(st.just("reset"), st.integers(0, 1)),
    st.tuples(st.just("well"), st.sampled_from([1000, 20000, 80000])),
)
TIMELINES = st.lists(MOVES, min_size=1, max_size=14)
