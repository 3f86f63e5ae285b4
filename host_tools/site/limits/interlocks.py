"""Rules of the site: the value is the stage that a group of inputs has reached.

What the stages are is the device's (`gateway.protection.interlocks`): gas 1 one detector, 2 two,
3 the second threshold or gas with smoke; smoke 1 one detector, 2 two or one with gas; coolant 1
lost, 2 lost with cells above 40 degC; 1 of all others. The trips take two looks at an input, so
that a single disturbance opens nothing.
"""

from __future__ import annotations

from host_tools.site.limits.rows import L1, L2, L3, Rows
from host_tools.site.products import Product

_LOOKS_MS = 20  # two looks of 10 ms
_STEADY_MS = 1000  # contacts that nobody has to act on at once [derived]
_CLEAR_MS = 5000  # a loop that chatters does not chatter on the relays [derived]
RULES: Rows = {
    # First threshold, second threshold or two detectors, gas with smoke [published] (DB63/T 2286:
    # two thresholds; NFPA 855: below 25 % of the lower flammable limit); the grouping [derived].
    "gas": {
        L1: (1, 0, _LOOKS_MS, _CLEAR_MS),
        L2: (2, 1, _LOOKS_MS, _CLEAR_MS),
        L3: (3, 2, _LOOKS_MS, _CLEAR_MS),
    },
    # One detector, one for 10 s, two or one with gas [derived] from GB/T 42288 [published].
    "smoke": {
        L1: (1, 0, _LOOKS_MS, _CLEAR_MS),
        L2: (1, 0, 10000, _CLEAR_MS),
        L3: (2, 1, _LOOKS_MS, _CLEAR_MS),
    },
    "estop": {L3: (1, 0, _LOOKS_MS, _STEADY_MS)},
    "door": {L1: (1, 0, _STEADY_MS, _STEADY_MS)},
    "leak": {L2: (1, 0, _STEADY_MS, _CLEAR_MS)},
    # Lost, and lost for 60 s with cells above 40 degC [derived].
    "coolant": {L1: (1, 0, _STEADY_MS, _CLEAR_MS), L2: (2, 1, 60000, _CLEAR_MS)},
}


def rows(product: Product) -> Rows:
    """All rules of this module; the same for every product."""
    return RULES
