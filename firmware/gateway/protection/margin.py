"""How far a rack is from its next level, for people and for records; never used in decisions."""

from __future__ import annotations

from gateway.config.rules import RULES, SCOPE, TIMER, UNIT
from gateway.protection import rules
from gateway.rack.data import ABSENT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gateway.protection.engine import RackProtection


def nearest(protection: RackProtection) -> dict[str, object] | None:
    """The level that comes next: rule, level, margin and milliseconds to go; None without data.

    Among running detectors the one with the least time left; otherwise the one whose value is
    nearest to its set point, in parts of the distance from its clear point. The margin is in the
    unit of the rule, `ms` None while nothing runs. Allocates.
    """
    best: tuple[int, int] | None = None
    found: dict[str, object] | None = None
    for rule in range(rules.RACK_RULES):
        value = protection.quantities.values[rule]
        if value == ABSENT or RULES[rule][SCOPE] == TIMER:
            continue
        level = _next_level(protection, rule)
        if level > rules.LEVEL_COUNT:
            continue
        number = protection.thresholds.number(rule, level)
        set_point, clear_point = protection.points(rule, level)
        margin = set_point - value * protection.thresholds.sides[rule]
        running = protection.detectors.is_running(number)
        left_ms = protection.detectors.remaining_ms(number) if running else None
        order = (
            (0, left_ms)
            if left_ms is not None
            else (1, margin * 1000 // max(1, set_point - clear_point))
        )
        if best is None or order < best:
            best = order
            found = {
                "rule": rules.name(rule),
                "level": level,
                "margin": margin,
                "unit": RULES[rule][UNIT],
                "ms": left_ms,
            }
    return found


def _next_level(protection: RackProtection, rule: int) -> int:
    """The lowest one above the level that is active; not every rule has all three."""
    level = protection.levels[rule] + 1
    while level <= rules.LEVEL_COUNT and protection.thresholds.number(rule, level) < 0:
        level += 1
    return level
