"""Derating curves of a configuration: current granted, 0.1 % of the rating, over one quantity."""

from __future__ import annotations

from gateway.config.checks import check_integer

TYPE_CHECKING = False
if TYPE_CHECKING:
    Points = tuple[tuple[int, int], ...]

MOST_POINTS = 12
_MOST_AT_STOP_PM = 250

# (name, rule and level at whose set point no current may be left, 1 = towards higher values).
CURVES = (
    ("charge_by_cell_max_mv", "cell_overvoltage", 1),
    ("charge_by_temp_min_dc", "charge_undertemperature", -1),
    ("charge_by_temp_max_dc", "charge_overtemperature", 1),
    ("discharge_by_cell_min_mv", "cell_undervoltage", -1),
    ("discharge_by_temp_min_dc", "discharge_undertemperature", -1),
    ("discharge_by_temp_max_dc", "discharge_overtemperature", 1),
)
NAMES = tuple([row[0] for row in CURVES])


def load_curves(tree: object, problems: list[str]) -> dict[str, Points]:
    """Points (value, 0.1 %) of every curve; what is wrong goes to `problems`."""
    curves: dict[str, Points] = {}
    if not isinstance(tree, dict):
        problems.append("curves: missing")
        return curves
    for name, _, side in CURVES:
        points = _points("curves." + name, tree.get(name), problems)
        if points is not None:
            last = points[-1] if side > 0 else points[0]
            if last[1] != 0:
                problems.append("curves.%s: must end at 0" % name)
            curves[name] = points
    for name in tree:
        if name not in NAMES:
            problems.append("curves.%s: no such curve" % name)
    return curves


def _points(where: str, entry: object, problems: list[str]) -> Points | None:
    if not isinstance(entry, list) or not 2 <= len(entry) <= MOST_POINTS:
        problems.append("%s: needs a list of 2..%d points" % (where, MOST_POINTS))
        return None
    before = len(problems)
    points = []
    for index, point in enumerate(entry):
        name = "%s[%d]" % (where, index)
        if not isinstance(point, list) or len(point) != 2:
            problems.append("%s: needs [value, 0.1 %% of the rating]" % name)
            continue
        check_integer(name, point[0], -1000, 10000, "", problems)
        check_integer(name, point[1], 0, 1000, "0.1 %", problems)
        points.append((point[0], point[1]))
    if len(problems) == before:
        for index in range(1, len(points)):
            if points[index][0] <= points[index - 1][0]:
                problems.append("%s[%d]: values must rise" % (where, index))
    return tuple(points) if len(problems) == before else None


def check_curves(
    curves: dict[str, Points], stops: dict[str, tuple[int, int]], problems: list[str]
) -> None:
    """Little current may be left where the rule stops it, none where it opens.

    `stops`: set points of level 2 and of the last level of each rule.
    """
    for name, rule, side in CURVES:
        points = curves[name]
        second, last = stops[rule]
        end = points[-1][0] if side > 0 else points[0][0]
        if (end - last) * side > 0:
            problems.append(
                "curves.%s: ends at %d, still grants current at %d, where %s trips"
                % (name, end, last, rule)
            )
        if _at(points, second) > _MOST_AT_STOP_PM:
            problems.append(
                "curves.%s: grants %d at %d, where %s stops; change the curve too: %d at most"
                % (name, _at(points, second), second, rule, _MOST_AT_STOP_PM)
            )


def _at(points: Points, value: int) -> int:
    """What a curve grants at `value`."""
    left, left_pm = points[0]
    for right, right_pm in points:
        if value <= right:
            span = max(1, right - left)
            return left_pm + (right_pm - left_pm) * max(0, value - left) // span
        left, left_pm = right, right_pm
    return left_pm
