"""What every fault of a simulated site has: whom it strikes and when."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, PlainValidator

ALL = "all"
MOST_RACKS = 16


class Moment(BaseModel):
    """A time in a run: `share` of its length, or `seconds` after the gateway's start."""

    model_config = ConfigDict(frozen=True)

    seconds: float | None = None
    share: float | None = None


def _moment(value: object) -> object:
    """A number is seconds, a text like "33 %" a share of the run."""
    if isinstance(value, bool):
        raise ValueError('needs seconds, or a share of the run like "33 %"')
    if isinstance(value, int | float):
        if not 0 <= value <= 86_400:
            raise ValueError("needs 0 to 86400 seconds")
        return Moment(seconds=float(value))
    if isinstance(value, str):
        number, percent, rest = value.partition("%")
        try:
            share = float(number) / 100
        except ValueError:
            share = -1.0
        if percent and not rest and 0 <= share <= 0.95:
            return Moment(share=share)
        raise ValueError('needs seconds, or a share of the run from "0 %" to "95 %"')
    return value


def _racks(value: object) -> object:
    """A single rack may stand without a list."""
    wanted = list(value) if isinstance(value, list | tuple) else [value]
    if value == ALL:
        return ALL
    good = [
        isinstance(rack, str) if not isinstance(rack, int) else 1 <= rack <= MOST_RACKS
        for rack in wanted
        if not isinstance(rack, bool)
    ]
    if not wanted or len(good) != len(wanted) or not all(good):
        raise ValueError(
            f'needs "all", a number from 1 to {MOST_RACKS}, a name, or a list of them'
        )
    return tuple(wanted)


def _rack(value: object) -> object:
    racks = _racks(value)
    if racks == ALL or isinstance(value, list | tuple):
        raise ValueError("needs one rack")
    return value


When = Annotated[Moment, BeforeValidator(_moment)]
RackName = Annotated[int | str, PlainValidator(_rack)]
Racks = Annotated[Literal["all"] | tuple[int | str, ...], PlainValidator(_racks)]


class Fault(BaseModel):
    """`racks` by number from 1 or by name; `end` None lasts as long as the run."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    buses: ClassVar[tuple[str, ...]] = ("tcp", "rtu")  # where it can show

    kind: str
    racks: Racks = (5,)
    begin: When = Moment(share=1 / 3)
    end: When | None = None
