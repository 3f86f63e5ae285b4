"""How what a register map lets the gateway write is written; one plan for all its racks."""

from __future__ import annotations

from micropython import const

from gateway.rack.write_job import UNLIMITED

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import MutableSequence

    from gateway.rack.register_map import RegisterMap
    from gateway.rack.writes import Heartbeat, LimitWrite, Write

LIMIT_RETRY_MS = 500
_OPEN_RETRY_MS = const(1000)  # between commands while the contactor still reads closed
_LIMIT_TRIES = const(3)
_WRITE_REGISTERS = const(16)
_OPENING = const(0)  # numbers of the writes of a rack
_BEAT = const(1)
_LIMITS = const(2)


class PlannedWrite:
    """`values` to registers from `address` on, tried `tries` times, `retry_ms` apart.

    `number` among the writes of a rack. `limits`: for which of the `values` (direction, limit) is
    to be encoded anew for each request. `fixed`: it does not move with the position of the rack.
    """

    def __init__(
        self,
        number: int,
        write: Write | Heartbeat | LimitWrite,
        values: MutableSequence[int],
        tries: int,
        retry_ms: int,
    ) -> None:
        self.number = number
        self.function = write.function
        self.address = write.address
        self.fixed = bool(write.fixed)
        self.values = values
        self.tries = tries
        self.retry_ms = retry_ms
        self.limits: tuple[tuple[int, LimitWrite], ...] = ()


class PlannedWrites:
    """`opening` the contactor, the sign of life `beat`; `limits`: one for both directions where
    one request can do it.
    """

    def __init__(self, register_map: RegisterMap) -> None:
        self.opening: PlannedWrite | None = None
        self.beat: PlannedWrite | None = None
        command = register_map.open_contactor
        if command is not None:
            retry_ms = command.retry_ms or _OPEN_RETRY_MS
            values = list(command.values)
            self.opening = PlannedWrite(_OPENING, command, values, UNLIMITED, retry_ms)
        beat = register_map.heartbeat
        if beat is not None:
            retry_ms = min(_OPEN_RETRY_MS, beat.period_ms)
            self.beat = PlannedWrite(_BEAT, beat, [beat.value], _LIMIT_TRIES, retry_ms)
        self.limits = tuple(
            [
                _limits(_LIMITS + number, group)
                for number, group in enumerate(_limit_groups(register_map))
            ]
        )


def _limit_groups(register_map: RegisterMap) -> list[list[tuple[int, LimitWrite]]]:
    """(direction, limit) of each request, in register order."""
    limits = [
        (direction, write)
        for direction, write in enumerate(
            (register_map.charge_limit, register_map.discharge_limit)
        )
        if write is not None
    ]
    if register_map.limits_together:
        return [sorted(limits, key=lambda each: each[1].address)]
    return [[each] for each in limits]


def _limits(number: int, group: list[tuple[int, LimitWrite]]) -> PlannedWrite:
    planned = PlannedWrite(number, group[0][1], [0] * len(group), _LIMIT_TRIES, LIMIT_RETRY_MS)
    planned.limits = tuple(group)
    if len(group) > 1:
        planned.function = _WRITE_REGISTERS
    return planned
