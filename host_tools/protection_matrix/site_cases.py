"""Cases of the rules of the site: contacts of the enclosure, which act on every rack."""

from __future__ import annotations

from host_tools.protection_matrix.case import Case, Tree

DOOR_AND_LEAK = (
    Case("door", 1, inputs=("door",), at=7.0),
    Case("leak", 2, inputs=("leak",), at=10.0),
)

# 60 s by default
COOLANT_SOONER: Tree = {"limits": {"coolant": {"l2": {"delay_ms": 4000}}}}
WARM: tuple[Tree, ...] = (
    {"kind": "charge_overtemperature", "racks": [1], "begin": 5, "level": 0, "target": 450},
)
COOLANT = (
    Case("coolant", 1, inputs=("coolant",)),
    Case("coolant", 2),  # the same input, some time later
)

GAS = (
    Case("gas", 1, inputs=("gas-1",), at=7.0, relays={"ventilation": True, "site": True}),
    Case("gas", 2, inputs=("gas-2",), at=9.5, relays={"ventilation": True, "suppression": False}),
    Case("gas", 3, inputs=("gas-high",), at=12.5, relays={"suppression": False}),
)

# 10 s by default, both
SMOKE_SOONER: Tree = {
    "limits": {"smoke": {"l2": {"delay_ms": 3500}}},
    "outputs": {"suppression_delay_ms": 1500},
}
SMOKE = (
    Case("smoke", 1, inputs=("smoke-1",), at=7.0, takes_s=(0.0, 3.4)),
    Case("smoke", 2, at=7.0, relays={"suppression": False}),
    Case(
        "smoke",
        3,
        inputs=("smoke-2",),
        at=13.0,
        relays={"suppression": True, "ventilation": False},
        relays_s=2.2,
    ),
)

ESTOP = (Case("estop", 3, inputs=("estop",), relays={"site": False}),)

WELDED: tuple[Tree, ...] = (
    {"kind": "stuck_contactor", "racks": [2], "begin": 7, "position": "closed", "carries": 0.3},
    {"kind": "cell_overvoltage", "racks": [2], "begin": 8, "level": 3},
)
