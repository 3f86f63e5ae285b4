"""Racks on the wire, interlocks, one enforcer and its relays; time passes in steps of 5 ms."""

from bus_bench import generic_map, tcp_link, tcp_poller
from fake_hardware import FakeDeadMan, FakeRelays, HandClock
from protection_bench import Inputs
from rack_wire import LiveRack
from sample_site import settings

from gateway.outputs.enforcer import Enforcer
from gateway.protection.changes import Changes
from gateway.protection.engine import RackProtection
from gateway.protection.interlocks import Interlocks
from gateway.protection.shared_settings import SharedSettings
from gateway.rack.bus import Bus
from gateway.rack.data import RackData

ARM_MS = 2000
RELAYS = (0, 1)  # of the racks
SITE_RELAY, VENTILATION, SUPPRESSION = 3, 4, 5
OUTPUTS = {
    "arm_delay_ms": ARM_MS,
    "site_relay": SITE_RELAY,
    "ventilation_relay": VENTILATION,
    "suppression_relay": SUPPRESSION,
}
INPUTS = [
    {"name": "reset", "number": 0, "role": "reset"},
    {"name": "estop", "number": 1, "role": "estop"},
    {"name": "gas-low", "number": 2, "role": "gas_low"},
    {"name": "gas-high", "number": 3, "role": "gas_high"},
    {"name": "smoke", "number": 4, "role": "smoke"},
    {"name": "smoke-2", "number": 5, "role": "smoke"},
    {"name": "coolant", "number": 6, "role": "coolant"},
    {"name": "leak", "number": 7, "role": "leak"},
]


class Site:
    """Two racks. `latched`: (rack, rule) held since before the start."""

    def __init__(self, latched=(), start=0x3FFFF800, racks=2, **changes):
        changes.setdefault("outputs", dict(OUTPUTS))
        changes.setdefault("inputs", list(INPUTS))
        self.settings = settings(racks=racks, **changes)
        self.clock = HandClock(start)
        now = self.clock.ticks()
        self.relays = FakeRelays(6)
        self.dead_man = FakeDeadMan()
        self.inputs = Inputs()
        self.changes = Changes()
        self.wires = [LiveRack(4, self._relay_of(index)) for index in range(racks)]
        pollers = []
        buses = []
        for index, wire in enumerate(self.wires):
            data = RackData(index, "rack%d" % index, 4, 2, 1500, now)
            pollers.append(tcp_poller(data, generic_map(4), now))
            buses.append(Bus("rack", tcp_link(wire), [pollers[-1]], now))
        self.interlocks = Interlocks(self.settings, self.inputs, self.changes, now)
        shared = SharedSettings(self.settings)
        self.protections = [
            RackProtection(poller.data, shared, self.interlocks, self.changes)
            for poller in pollers
        ]
        for protection in self.protections:
            protection.limits_sent = True
        for rack, rule in latched:
            self.protections[rack].latches.trip(rule)
            self.protections[rack].restored()
        self.enforcer = Enforcer(
            buses,
            pollers,
            self.protections,
            self.interlocks,
            self.relays,
            self.dead_man,
            self.settings,
            now,
        )

    def _relay_of(self, index):
        return lambda: self.relays.state[RELAYS[index]] == 1

    def run_ms(self, duration_ms, step_ms=5):
        for _ in range(duration_ms // step_ms):
            self.enforcer.step(self.clock.advance(step_ms))

    def run_until(self, condition, longest_ms):
        """Milliseconds until `condition()`; fails when it does not come."""
        for elapsed_ms in range(longest_ms):
            if condition():
                return elapsed_ms
            self.run_ms(1, 1)
        raise AssertionError("not within %d ms" % longest_ms)

    def closed(self):
        """The relays of the racks."""
        return tuple([self.relays.state[RELAYS[index]] for index in range(len(self.wires))])

    def reset(self, rack, by=0):
        return self.protections[rack].reset(by, self.clock.ticks())

    def alarm(self, *numbers):
        """Open the loops of these inputs."""
        for number in numbers:
            self.inputs.levels[number] = False

    def last_written(self, rack, address):
        values = [value for each, value in self.wires[rack].written if each == address]
        return values[-1] if values else None
