"""What the tables of limits are made of."""

from __future__ import annotations

KEYS = ("set", "clear", "delay_ms", "clear_delay_ms")
L1, L2, L3 = "l1", "l2", "l3"

Row = tuple[int, int, int, int]  # in the order of KEYS; set and clear in the unit of the rule
Rows = dict[str, dict[str, Row]]  # by rule and level; a level that a rule does not have is absent
