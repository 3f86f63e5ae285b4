"""Scenario files: what goes wrong, when, on which racks, and what is expected of the gateway."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)

from gateway.config.rules import NAMES as RULE_NAMES
from host_tools.errors import UserError
from host_tools.simulate import faults
from host_tools.simulate.fault_base import RackName, Racks, When
from host_tools.simulate.faults import AnyFault

FOLDER = Path(__file__).with_name("scenarios")
NORMAL = "normal"
_SUFFIX = ".toml"


def _rule(name: str) -> str:
    if name not in RULE_NAMES:
        raise ValueError(f"no rule {name!r}; there are: {', '.join(RULE_NAMES)}")
    return name


def _listed(value: object) -> object:
    return [value] if isinstance(value, str) else value


RuleName = Annotated[str, AfterValidator(_rule)]
RuleNames = Annotated[tuple[RuleName, ...], BeforeValidator(_listed), Field(min_length=1)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Event(_Part):
    """Something that happens to broker, gateway or an input of its board.

    Of an input: its `name` in the configuration or its `number`, and the `level` it goes to: "on"
    is the one at which its role counts (a detector alarms, a button is pushed), "off" the other.
    """

    action: Literal["broker_down", "broker_up", "gateway_restart", "input"]
    at: When
    name: str = ""
    number: int | None = Field(default=None, ge=0, le=31)
    level: Literal["on", "off", 0, 1] = "on"

    @model_validator(mode="after")
    def _fits(self) -> Event:
        given = self.model_fields_set & {"name", "number", "level"}
        if self.action != "input" and given:
            raise ValueError(f"{sorted(given)[0]} belongs to action input")
        if self.action == "input" and bool(self.name) == (self.number is not None):
            raise ValueError("an input needs its name or its number")
        return self


class Reached(_Part):
    """`rack` reaches `level` of `rule`, and no higher one; a trip is level 3.

    `rack` may be several or "all", each of which must. `rule` may be several where physics makes
    them true at once: whichever of them comes first.
    """

    rack: Racks
    rule: RuleNames
    level: int = Field(default=3, ge=1, le=3)


class Relay(_Part):
    """A relay, by the name of its rack or of what it is for, at the end of the run."""

    name: str
    on: bool


class Expect(_Part):
    """What the verdict asks beyond what every run must show.

    A gap is the longest time between two good summaries of a rack: of those without a fault
    (`summary_gap_ms`) and of those with one (`faulty_gap_ms`). `never_read` are racks of which no
    good summary may arrive.
    """

    trips: tuple[Reached, ...] = ()
    levels: tuple[Reached, ...] = ()
    summary_gap_ms: int | None = Field(default=None, ge=100)
    faulty_gap_ms: int | None = Field(default=None, ge=100)
    cell_refresh_s: float | None = Field(default=None, ge=1)
    lost_samples: int = Field(default=0, ge=0)
    never_read: tuple[RackName, ...] = ()
    relays: tuple[Relay, ...] = ()


class Scenario(_Part):
    """One scenario file.

    `load` (-1 discharging .. 1 charging, of the rack current) is held instead of the load profile;
    `config` is laid over the device's configuration.
    """

    name: str
    title: str = Field(default="", max_length=100)
    bus: Literal["tcp", "rtu"] | None = None
    load: float | None = Field(default=None, ge=-1, le=1)
    config: dict[str, Any] = {}
    fault: tuple[AnyFault, ...] = ()
    event: tuple[Event, ...] = ()
    expect: Expect = Expect()

    @model_validator(mode="after")
    def _sensible(self) -> Scenario:
        for number, fault in enumerate(self.fault):
            if fault.end is None:
                continue
            for first, last in (
                (fault.begin.seconds, fault.end.seconds),
                (fault.begin.share, fault.end.share),
            ):
                if first is not None and last is not None and last <= first:
                    raise ValueError(f"fault[{number}].end: must be after begin")
        actions = [event.action for event in self.event]
        if actions.count("broker_down") > 1 or actions.count("gateway_restart") > 1:
            raise ValueError("event: each action at most once")
        if ("broker_up" in actions) != ("broker_down" in actions):
            raise ValueError("event: broker_down and broker_up need each other")
        return self


def names() -> list[str]:
    """The scenarios that come with the tool; the normal one first."""
    found = sorted(path.stem for path in FOLDER.glob(f"*{_SUFFIX}"))
    return sorted(found, key=lambda name: name != NORMAL)


def find(name: str) -> Scenario:
    """The scenario of a name or of a file (a path to a .toml).

    UserError when there is none, or names file, key and what is wrong with it.
    """
    if name.endswith(_SUFFIX):
        return load(Path(name))
    if name not in names():
        raise UserError(
            f"SCENARIO: no scenario {name!r}; there are: {', '.join(names())},"
            " or a path to a .toml file"
        )
    return _shipped(name)


def load(path: Path) -> Scenario:
    """Read and check a file; UserError."""
    try:
        tree = tomllib.loads(path.read_text())
    except OSError as error:
        raise UserError(f"{path}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: {error}") from error
    try:
        return Scenario.model_validate({"name": path.stem} | tree)
    except ValidationError as error:
        raise UserError(f"{path}: {_explain(error)}") from None


@cache
def _shipped(name: str) -> Scenario:
    return load(FOLDER / f"{name}{_SUFFIX}")


def _explain(error: ValidationError) -> str:
    """All problems in one line, each with its key."""
    problems = []
    for entry in error.errors():
        text = entry["msg"].removeprefix("Value error, ").replace("\n", " ")
        if entry["type"] == "extra_forbidden":
            text = "no such key"
        elif entry["type"] in _KIND_ERRORS:
            known = ", ".join(faults.names())
            text = f"no kind {entry['input'].get('kind', '')!r}; there are: {known}"
        elif entry["type"] in _WORDS:
            text = _WORDS[entry["type"]].format_map(entry.get("ctx", {}))
            if entry["type"] != "missing":
                text += f", has {entry['input']!r}"
        problem = f"{_key(entry['loc'])}: {text}".removeprefix(": ")
        if problem not in problems:
            problems.append(problem)
    return "; ".join(problems)


_KIND_ERRORS = ("union_tag_invalid", "union_tag_not_found")
# pydantic's errors in the words of the other messages.
_WORDS = {
    "missing": "missing",
    "greater_than_equal": "needs {ge} or more",
    "less_than_equal": "needs {le} or less",
    "greater_than": "needs more than {gt}",
    "less_than": "needs less than {lt}",
    "int_type": "needs a whole number",
    "int_parsing": "needs a whole number",
    "int_from_float": "needs a whole number",
    "float_type": "needs a number",
    "float_parsing": "needs a number",
    "bool_type": "needs true or false",
    "bool_parsing": "needs true or false",
    "string_type": "needs text",
    "literal_error": "needs {expected}",
}


def _key(location: tuple[int | str, ...]) -> str:
    """As in `fault[0].probability`; kinds and pydantic's own words are no keys of the file."""
    key = ""
    for part in location:
        if isinstance(part, int):
            key += f"[{part}]"
        elif part.isidentifier() and part not in faults.names():
            key += f".{part}"
    return key.removeprefix(".")
