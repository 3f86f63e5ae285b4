"""When the steps of a scenario happen in a run of a certain length, and on which racks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count, groupby

from gateway.config import Config
from gateway.config.rules import CELLS, NAMES, OPEN, REACTIONS, RULES, SCOPE, SITE, TEMPS, UNIT
from host_tools.errors import UserError
from host_tools.run.scenario_file import Event, Reached, Scenario
from host_tools.simulate.bms_state import PAUSE_MS, PRECHARGE_MS
from host_tools.simulate.fault_base import ALL, Fault, Moment, RackName
from host_tools.simulate.rack_faults import ReadingFault, Restart

ARM_DELAY_S = 3  # of the gateway in a run, see device_files.py
SETTLED_S = ARM_DELAY_S + 2  # after its start a gateway has closed its relays and reads all racks
MARGIN_S = 2  # two samples, the reaction, and some life afterwards
ENDLESS_S = 45  # a run without an end has its faults when one of this length has

BEGIN = "begin"
END = "end"
BROKER_DOWN = "broker_down"
BROKER_UP = "broker_up"
GATEWAY_RESTART = "gateway_restart"
INPUT = "input"

# Seconds that an event needs before the next one, or the end.
_TAKES_S = {BROKER_DOWN: 3.0, BROKER_UP: 4.0, GATEWAY_RESTART: SETTLED_S + 2.0}
_RISE_MS = 25_000  # until the rise of a temperature is believed


@dataclass(frozen=True)
class Step:
    """`action` at `when`, then `takes_s` seconds until it has shown."""

    when: Moment
    action: str
    fault: Fault | None = None
    racks: tuple[int, ...] = ()  # from 0
    wire: tuple[int, int] | None = None  # input and level
    takes_s: float = 0.0


@dataclass(frozen=True)
class TimedStep:
    """A step at `at_s` seconds after the gateway's start."""

    at_s: float
    step: Step


def rack_indices(wanted: Sequence[RackName] | str, config: Config) -> tuple[int, ...]:
    """Racks of a site from numbers and names; of a number beyond its last rack that one.

    UserError for an unknown name.
    """
    names = [rack.name for rack in config.racks]
    if wanted == ALL:
        return tuple(range(len(names)))
    found = []
    for rack in wanted:
        if isinstance(rack, str) and rack not in names:
            raise UserError(f"no rack {rack!r}; there are: {', '.join(names)}")
        found.append(names.index(rack) if isinstance(rack, str) else min(rack, len(names)) - 1)
    return tuple(dict.fromkeys(found))


def steps(scenario: Scenario, config: Config) -> list[Step]:
    """Everything that happens, not yet in the order of time; UserError for an unknown rack."""
    found = []
    try:
        for event in scenario.event:
            takes_s = _TAKES_S.get(event.action) or _input_takes_s(scenario, config)
            wire = input_level(event, config) if event.action == INPUT else None
            found.append(Step(event.at, event.action, wire=wire, takes_s=takes_s))
        for fault in scenario.fault:
            racks = rack_indices(fault.racks, config)
            takes_s = _fault_takes_s(fault, racks, scenario, config)
            found.append(Step(fault.begin, BEGIN, fault, racks, takes_s=takes_s))
            if fault.end is not None:
                found.append(Step(fault.end, END, fault, racks))
    except UserError as error:
        raise UserError(f"SCENARIO: {scenario.name}: {error}") from None
    return found


def input_level(event: Event, config: Config) -> tuple[int, int]:
    """Number of the input of an event and the level it goes to; UserError for an unknown one."""
    known = {entry.name: entry for entry in config.inputs}
    if event.name and event.name not in known:
        raise UserError(f"no input {event.name!r}; there are: {', '.join(known)}")
    entry = known.get(event.name) or next(
        (entry for entry in config.inputs if entry.number == event.number), None
    )
    if isinstance(event.level, int):
        number = entry.number if entry else event.number
        assert number is not None  # an event has a name or a number
        return number, event.level
    if entry is None:
        raise UserError(f"input {event.number} is not in the configuration: level: needs 0 or 1")
    return entry.number, entry.on_level if event.level == "on" else 1 - entry.on_level


def timeline(scenario: Scenario, duration_s: int, config: Config) -> list[TimedStep]:
    """When each step happens in a run of `duration_s` (0 = no end).

    UserError when that is too short for all of them to show.
    """
    wanted = steps(scenario, config)
    least_s = SETTLED_S + config.integer("poll.scan_period_ms") / 1000
    timed, end_s = _place(wanted, duration_s or ENDLESS_S, least_s)
    if duration_s and end_s > duration_s:
        needed_s = next(s for s in count(duration_s) if _place(wanted, s, least_s)[1] <= s)
        raise UserError(
            f"DURATION={duration_s}: {scenario.name} needs {needed_s} s at least, or 0 for no end"
        )
    return timed


def _place(wanted: list[Step], duration_s: float, least_s: float) -> tuple[list[TimedStep], float]:
    """The steps in a run of this length, and the second at which all of it is through.

    Steps in seconds stand where they are. Those in shares happen one after the other, later than
    their share when the run has not settled or an earlier one is not through; equal shares are
    together.
    """
    timed = [
        TimedStep(step.when.seconds, step) for step in wanted if step.when.seconds is not None
    ]
    shares = sorted(
        ((step.when.share, step) for step in wanted if step.when.share is not None),
        key=lambda entry: entry[0],
    )
    free_s = float(SETTLED_S)
    for share, group in groupby(shares, key=lambda entry: entry[0]):
        at_s = max(free_s, share * duration_s)
        for _, step in group:
            timed.append(TimedStep(at_s, step))
            free_s = max(free_s, at_s + step.takes_s)
    timed.sort(key=lambda entry: entry.at_s)
    return timed, max([least_s, *(entry.at_s + entry.step.takes_s for entry in timed)])


def _fault_takes_s(
    fault: Fault, racks: tuple[int, ...], scenario: Scenario, config: Config
) -> float:
    """Until the fault itself and what is expected of its racks have shown."""
    takes_s = float(MARGIN_S)
    if isinstance(fault, Restart):
        takes_s += fault.silent_s + fault.zero_s
    if isinstance(fault, ReadingFault) and fault.expected_level:
        takes_s = _reaction_s(fault.reading.rules[0], fault.expected_level, config)
    for reached in (*scenario.expect.trips, *scenario.expect.levels):
        if not set(rack_indices(reached.rack, config)).isdisjoint(racks):
            takes_s = max(takes_s, _longest_s(reached, config))
    return takes_s


def _input_takes_s(scenario: Scenario, config: Config) -> float:
    """Until what the inputs are to bring about has shown."""
    reactions_s = [
        _longest_s(reached, config)
        for reached in (*scenario.expect.trips, *scenario.expect.levels)
        if any(RULES[NAMES.index(rule)][SCOPE] == SITE for rule in reached.rule)
    ]
    return max(reactions_s, default=float(MARGIN_S))


def _longest_s(reached: Reached, config: Config) -> float:
    return max(_reaction_s(rule, reached.level, config) for rule in reached.rule)


def _reaction_s(rule: str, level: int, config: Config) -> float:
    limit = config.limits[rule][level - 1]
    if limit is None:
        raise UserError(f"{rule} has no level {level}")
    row = RULES[NAMES.index(rule)]
    first_ms = 0
    if row[UNIT] == "ms":  # an age or a time: the limit itself is how long it takes
        first_ms = limit.set_point
    elif row[SCOPE] == CELLS:
        first_ms = 2 * config.integer("poll.scan_period_ms")
    elif row[SCOPE] == TEMPS:
        first_ms = _RISE_MS
    elif rule == "precharge":
        first_ms = limit.set_point * (PRECHARGE_MS + PAUSE_MS)
    if row[REACTIONS][level - 1] == OPEN and rule != "comm_loss":
        first_ms += config.integer("outputs.check_ms")  # from the open command to the relay
    return (first_ms + limit.delay_ms) / 1000 + MARGIN_S
