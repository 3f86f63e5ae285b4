"""What is wired to the board's digital inputs: role of each, and the level that counts."""

from __future__ import annotations

from gateway.config.checks import check_entry, check_name, check_unique, entry_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

MAX_INPUTS = 16
_DEFAULT_LEVEL = -1

# role: (level that counts as "on" by default, the only permitted one or -1 for both).
# Alarm contacts are loops that a healthy site keeps closed (level 1), so a broken wire alarms.
ROLES = {
    "reset": (1, 1),  # push-button that releases trips; a broken wire must not
    "service_key": (1, 1),  # key switch: the reset comes from service
    "gas_low": (0, -1),  # first threshold of one detector
    "gas_high": (0, 0),  # second threshold
    "smoke": (0, -1),  # smoke or heat detector
    "estop": (0, 0),
    "door": (0, -1),
    "leak": (0, -1),
    "coolant": (0, -1),  # flow or pump monitor
}
_KEYS = (
    ("name", None, None, None),
    ("number", 0, 31, None),
    ("role", None, None, None),
    ("alarm_level", -1, 1, _DEFAULT_LEVEL),
)


class InputSettings:
    """One input: `on_level` 0 or 1 is the level at which its `role` counts."""

    def __init__(self, name: str, number: int, role: str, on_level: int) -> None:
        self.name = name
        self.number = number
        self.role = role
        self.on_level = on_level


def load_inputs(entries: object, problems: list[str]) -> list[InputSettings]:
    """The inputs of a configuration; what is wrong goes to `problems`."""
    if not isinstance(entries, list) or len(entries) > MAX_INPUTS:
        problems.append("inputs: needs a list of at most %d inputs" % MAX_INPUTS)
        return []
    inputs = []
    for index, entry in enumerate(entries):
        where = entry_name("inputs", index, entry)
        values = check_entry(where, entry, _KEYS, problems)
        if values is None:
            continue
        check_name(where + ".name", values["name"], problems)
        made = _input(where, values, problems)
        if made is not None:
            inputs.append(made)
    check_unique("inputs", "name", inputs, lambda each: each.name, problems)
    check_unique("inputs", "number", inputs, lambda each: each.number, problems)
    return inputs


def _input(where: str, values: dict[str, Any], problems: list[str]) -> InputSettings | None:
    role = values["role"]
    if role not in ROLES:
        problems.append("%s.role: needs one of %s" % (where, ", ".join(sorted(ROLES))))
        return None
    standard, only = ROLES[role]
    level = values["alarm_level"]
    if level == _DEFAULT_LEVEL:
        level = standard
    if only >= 0 and level != only:
        problems.append("%s.alarm_level: %s needs %d" % (where, role, only))
        return None
    return InputSettings(values["name"], values["number"], role, level)
