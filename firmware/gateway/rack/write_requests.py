"""The write jobs that a register map makes possible, with their requests; made at start."""

from __future__ import annotations

from gateway.modbus.pdu import write_coil, write_register, write_registers
from gateway.rack.write_job import UNLIMITED, WriteJob
from gateway.rack.writes import COUNTER, NO_LIMIT, TOGGLE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gateway.modbus.pdu import Request
    from gateway.rack.block_read import UnitAddress
    from gateway.rack.register_map import RegisterMap
    from gateway.rack.writes import Heartbeat, LimitWrite, Write

LIMIT_RETRY_MS = 500
_OPEN_RETRY_MS = 1000  # between commands while the contactor still reads closed
_LIMIT_TRIES = 3
_COIL = 5
_REGISTERS = 16


def opening_job(register_map: RegisterMap, address: UnitAddress) -> WriteJob | None:
    """The command that opens the contactor."""
    write = register_map.open_contactor
    if write is None:
        return None
    request = _request(address, write.function, _place(write, address), write.values)
    return WriteJob(request, write.address, UNLIMITED, write.retry_ms or _OPEN_RETRY_MS)


def heartbeat_job(beat: Heartbeat | None, address: UnitAddress) -> WriteJob | None:
    """The sign of life."""
    if beat is None:
        return None
    request = _request(address, beat.function, _place(beat, address), (beat.value,))
    return WriteJob(request, beat.address, _LIMIT_TRIES, min(_OPEN_RETRY_MS, beat.period_ms))


def limit_jobs(
    register_map: RegisterMap, address: UnitAddress
) -> list[tuple[tuple[tuple[int, LimitWrite], ...], WriteJob]]:
    """((direction, limit) in register order, job): one for both where one request can do it."""
    limits = [
        (direction, write)
        for direction, write in enumerate(
            (register_map.charge_limit, register_map.discharge_limit)
        )
        if write is not None
    ]
    if register_map.limits_together:
        limits.sort(key=lambda each: each[1].address)
        groups = [tuple(limits)]
    else:
        groups = [(each,) for each in limits]
    jobs = []
    for group in groups:
        first = group[0][1]
        function = _REGISTERS if len(group) > 1 else first.function
        values = tuple([write.encode(NO_LIMIT) for _, write in group])
        request = _request(address, function, _place(first, address), values)
        jobs.append((group, WriteJob(request, first.address, _LIMIT_TRIES, LIMIT_RETRY_MS)))
    return jobs


def _request(
    address: UnitAddress, function: int, register: int, values: tuple[int, ...]
) -> Request:
    if function == _COIL:
        return write_coil(
            address.framing, address.unit, register, values[0] != 0, address.reply_time
        )
    if function == _REGISTERS:
        return write_registers(address.framing, address.unit, register, values, address.reply_time)
    return write_register(address.framing, address.unit, register, values[0], address.reply_time)


def _place(write: Write | Heartbeat | LimitWrite, address: UnitAddress) -> int:
    """Its register in the block of this rack, unless it serves the whole unit."""
    return write.address if write.fixed else write.address + address.shift


def next_beat(beat: Heartbeat, value: int) -> int:
    """What to write after `value`."""
    if beat.kind == COUNTER:
        return (value + 1) & 0xFFFF
    return value ^ beat.value if beat.kind == TOGGLE else beat.value
