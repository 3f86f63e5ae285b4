"""The write jobs that a register map makes possible; one set for all its racks."""

from __future__ import annotations

from micropython import const

from gateway.rack.write_job import UNLIMITED, WriteJob

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gateway.rack.register_map import RegisterMap
    from gateway.rack.writes import LimitWrite

LIMIT_RETRY_MS = 500
_OPEN_RETRY_MS = const(1000)  # between commands while the contactor still reads closed
_LIMIT_TRIES = const(3)
_WRITE_REGISTERS = const(16)
_OPENING = const(0)  # numbers of the jobs of a rack
_BEAT = const(1)
_LIMITS = const(2)


class PlannedWrites:
    """`opening` the contactor, the sign of life `beat`; `limits`: one for both directions where
    one request can do it.
    """

    def __init__(self, register_map: RegisterMap) -> None:
        self.opening: WriteJob | None = None
        self.beat: WriteJob | None = None
        command = register_map.open_contactor
        if command is not None:
            retry_ms = command.retry_ms or _OPEN_RETRY_MS
            values = list(command.values)
            self.opening = WriteJob(_OPENING, command, values, UNLIMITED, retry_ms)
        beat = register_map.heartbeat
        if beat is not None:
            retry_ms = min(_OPEN_RETRY_MS, beat.period_ms)
            self.beat = WriteJob(_BEAT, beat, [beat.value], _LIMIT_TRIES, retry_ms)
        self.limits = tuple(
            [
                _limits(_LIMITS + number, group)
                for number, group in enumerate(_limit_groups(register_map))
            ]
        )
        jobs = (self.opening, self.beat) + self.limits
        self.all = tuple([job for job in jobs if job is not None])


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


def _limits(number: int, group: list[tuple[int, LimitWrite]]) -> WriteJob:
    job = WriteJob(number, group[0][1], [0] * len(group), _LIMIT_TRIES, LIMIT_RETRY_MS)
    job.limits = tuple(group)
    if len(group) > 1:
        job.function = _WRITE_REGISTERS
    return job
