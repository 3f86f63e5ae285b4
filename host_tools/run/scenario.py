"""Scenarios as data: what goes wrong, and when."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import count

from gateway.config import Limit
from host_tools.errors import UserError
from host_tools.simulate.faults import FAULTS
from host_tools.simulate.forced_reading import RAMP_MS

ARM_DELAY_S = 3  # of the gateway in a run, see device_files.py
SETTLED_S = ARM_DELAY_S + 2  # after its start a gateway has closed its relays and reads all racks
CELLS_S = 4  # until every cell was read again
MARGIN_S = 2  # two samples, the reaction, and some life afterwards
ENDLESS_S = 45  # a run without an end has its faults when one of this length has

FAULT = "fault"
BROKER_DOWN = "broker down"
BROKER_UP = "broker up"
GATEWAY_RESTART = "gateway restart"

# Seconds that an action needs before the next one, or the end; a fault's depends on its limit.
_TAKES_S = {BROKER_DOWN: 3.0, BROKER_UP: 4.0, GATEWAY_RESTART: SETTLED_S + 2.0}


@dataclass(frozen=True)
class Step:
    """`action` happens at `share` of the run, later if the run has not settled by then."""

    share: float
    action: str
    fault: str = ""


@dataclass(frozen=True)
class TimedStep:
    """A step at `at_s` seconds after the gateway's start."""

    at_s: float
    step: Step


SCENARIOS: dict[str, tuple[Step, ...]] = {
    "normal": (),
    "cell_overvoltage": (Step(1 / 3, FAULT, "cell_overvoltage"),),
    "cell_undervoltage": (Step(1 / 3, FAULT, "cell_undervoltage"),),
    "overtemperature": (Step(1 / 3, FAULT, "overtemperature"),),
    "overcurrent": (Step(1 / 3, FAULT, "overcurrent"),),
    "rack_silent": (Step(1 / 3, FAULT, "rack_silent"),),
    "broker_outage": (Step(1 / 3, BROKER_DOWN), Step(2 / 3, BROKER_UP)),
    # a trip first, to see that its latch outlives the gateway
    "gateway_restart": (Step(1 / 4, FAULT, "cell_overvoltage"), Step(1 / 2, GATEWAY_RESTART)),
}
Limits = dict[str, tuple[Limit, ...]]


def find(name: str) -> tuple[Step, ...]:
    """The steps of a scenario; UserError when there is none of this name."""
    if name not in SCENARIOS:
        raise UserError(f"SCENARIO: no scenario {name!r}; there are: {', '.join(SCENARIOS)}")
    return SCENARIOS[name]


def timeline(name: str, duration_s: int, limits: Limits) -> list[TimedStep]:
    """When each step happens in a run of `duration_s` (0 = no end).

    UserError when that is too short for all of them to show.
    """
    steps = find(name)
    timed, end_s = _place(steps, duration_s or ENDLESS_S, limits)
    if duration_s and end_s > duration_s:
        needed_s = next(s for s in count(duration_s) if _place(steps, s, limits)[1] <= s)
        raise UserError(
            f"DURATION={duration_s}: {name} needs {needed_s} s at least, or 0 for no end"
        )
    return timed


def _place(
    steps: tuple[Step, ...], duration_s: float, limits: Limits
) -> tuple[list[TimedStep], float]:
    """The steps in a run of this length, and the second at which the last one is through."""
    timed = []
    free_s = float(SETTLED_S)
    for step in steps:
        at_s = max(free_s, step.share * duration_s)
        timed.append(TimedStep(at_s, step))
        free_s = at_s + _takes_s(step, limits)
    return timed, max(free_s, SETTLED_S + CELLS_S)


def _takes_s(step: Step, limits: Limits) -> float:
    if step.action != FAULT:
        return _TAKES_S[step.action]
    limit = limits[FAULTS[step.fault].rule][-1]
    # the limit of comm loss is an age in ms; all others count their time from the crossing
    age_ms = limit.set_point if FAULTS[step.fault].field is None else RAMP_MS
    return (age_ms + limit.delay_ms) / 1000 + MARGIN_S
