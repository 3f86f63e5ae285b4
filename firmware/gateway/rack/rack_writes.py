"""Everything the gateway writes to one rack BMS: open the contactor, limits, a sign of life.

It never writes anything that closes a contactor or raises a limit above what protection grants.
"""

from __future__ import annotations

from gateway.clock import add, diff
from gateway.modbus.pdu import write_coil, write_register, write_registers
from gateway.rack.block_read import PLACES
from gateway.rack.write_job import UNLIMITED, WriteJob
from gateway.rack.writes import COUNTER, NO_LIMIT, TOGGLE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gateway.modbus.link import Link
    from gateway.modbus.pdu import Request
    from gateway.rack.block_read import UnitAddress
    from gateway.rack.register_map import RegisterMap
    from gateway.rack.writes import Heartbeat, LimitWrite, Write

_OPEN_RETRY_MS = 1000  # between commands while the contactor still reads closed
_LIMIT_RETRY_MS = 500
_LIMIT_TRIES = 3
_LIMITS_REFRESH_MS = 30000
_COIL = 5
_REGISTERS = 16


class RackWrites:
    """The write jobs of one rack. A map without a register for something has no job for it."""

    def __init__(self, register_map: RegisterMap, address: UnitAddress, now: int) -> None:
        self._open = _opening(register_map, address)
        self.hold_open = False  # keep commanding the contactor open until it reads open
        self._open_since = 0  # echoes of the command before `hold_open` was set
        self._limits = _limits(register_map, address)
        self._granted = [NO_LIMIT, NO_LIMIT]
        self._refresh_ms = _LIMITS_REFRESH_MS - _LIMITS_REFRESH_MS // (4 * PLACES) * address.place
        self._changed = False  # a granted current, and the device has not confirmed it yet
        self._refresh_due = now
        self._beat = register_map.heartbeat
        self._beat_job = _heartbeat(self._beat, address)
        self._beat_value = 0
        self._beat_due = now
        if self._beat is not None:
            self._beat_due = add(now, self._beat.period_ms * address.place // PLACES)

    @property
    def opening(self) -> WriteJob:
        """The command that opens the contactor; only when `opening_due`."""
        return self._open  # type: ignore[return-value]

    @property
    def open_commands(self) -> int:
        """Open commands the device has confirmed since the order was given."""
        return 0 if self._open is None else self._open.confirmed - self._open_since

    @property
    def jobs(self) -> list[WriteJob]:
        """All of them, to be looked at."""
        jobs = [job for _, job in self._limits]
        return [job for job in [self._open, self._beat_job] + jobs if job is not None]

    def open_contactor(self, now: int) -> None:
        """Order the opening; again and again until `leave_contactor`."""
        if not self.hold_open:
            self.hold_open = True
            if self._open is not None:
                self._open_since = self._open.confirmed
                self._open.order(now)

    def leave_contactor(self) -> None:
        """No opening is wanted any more."""
        if self.hold_open:
            self.hold_open = False
            if self._open is not None:
                self._open.cancel()

    def opening_due(self, now: int) -> bool:
        """Whether the command should be sent, unless the contactor is known to be open."""
        job = self._open
        if job is None:
            return False
        job.pending = True  # an echo does not prove that it opened
        return job.is_due(now)

    def set_limits(self, charge_da: int, discharge_da: int, now: int) -> None:
        """Current the gateway grants, 0.1 A."""
        if charge_da != self._granted[0] or discharge_da != self._granted[1]:
            self._granted[0] = charge_da
            self._granted[1] = discharge_da
            self._changed = True
            self._order_limits(now)

    def due(self, now: int, urgent: bool) -> WriteJob | None:
        """What to write now, the newest values in its request.

        `urgent`: only a granted current that has changed, or a sign of life a quarter of its
        period late; the repetitions are not.
        """
        if not urgent or self._changed:
            if diff(now, self._refresh_due) >= 0:
                self._order_limits(now)
            for writes, job in self._limits:
                if job.is_due(now):
                    for index in range(len(writes)):
                        direction, write = writes[index]
                        job.request.set_value(index, write.encode(self._granted[direction]))
                    return job
            if self._changed:
                self._see_limits(now)
        return self._heartbeat_due(now, urgent)

    def _see_limits(self, now: int) -> None:
        """A changed limit stays urgent until it is confirmed, whatever the device answers."""
        settled = True
        for _, job in self._limits:
            settled = settled and job.settled
            if not job.pending and not job.settled:
                job.order(add(now, _LIMIT_RETRY_MS))
        self._changed = not settled

    def _heartbeat_due(self, now: int, urgent: bool) -> WriteJob | None:
        beat, job = self._beat, self._beat_job
        if beat is None or job is None:
            return None
        late_ms = diff(now, self._beat_due)
        if late_ms >= 0 and (not urgent or late_ms > beat.period_ms // 4):
            self._beat_due = add(now, beat.period_ms)
            self._beat_value = _next_value(beat, self._beat_value)
            job.order(now)
        if not job.is_due(now) or (urgent and late_ms <= beat.period_ms // 4):
            return None
        job.request.set_value(0, self._beat_value)
        return job

    def exchanges(self, link: Link) -> list[tuple[int, int]]:
        """(ms it takes, ms after which it comes again) of each write that is repeated."""
        exchanges = [(link.transfer_ms(job.request), self._refresh_ms) for _, job in self._limits]
        if self._beat is not None and self._beat_job is not None:
            exchanges.append((link.transfer_ms(self._beat_job.request), self._beat.period_ms))
        return exchanges

    def repeat_all(self, now: int) -> None:
        """The BMS may have been started anew: it must be told everything again."""
        self._order_limits(now)
        self._beat_due = now
        if self.hold_open and self._open is not None:
            self._open_since = self._open.confirmed
            self._open.order(now)

    def keep_comparable(self, now: int) -> None:
        """Keep every due time comparable over weeks of silence."""
        if diff(now, self._refresh_due) > 0:
            self._refresh_due = now
        if diff(now, self._beat_due) > 0:
            self._beat_due = now
        if self._open is not None:
            self._open.keep_comparable(now)
        if self._beat_job is not None:
            self._beat_job.keep_comparable(now)
        for _, job in self._limits:
            job.keep_comparable(now)

    def _order_limits(self, now: int) -> None:
        self._refresh_due = add(now, self._refresh_ms)
        for _, job in self._limits:
            job.order(now)


def _opening(register_map: RegisterMap, address: UnitAddress) -> WriteJob | None:
    write = register_map.open_contactor
    if write is None:
        return None
    request = _request(address, write.function, _place(write, address), write.values)
    return WriteJob(request, write.address, UNLIMITED, write.retry_ms or _OPEN_RETRY_MS)


def _heartbeat(beat: Heartbeat | None, address: UnitAddress) -> WriteJob | None:
    if beat is None:
        return None
    request = _request(address, beat.function, _place(beat, address), (beat.value,))
    return WriteJob(request, beat.address, _LIMIT_TRIES, min(_OPEN_RETRY_MS, beat.period_ms))


def _limits(
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
        jobs.append((group, WriteJob(request, first.address, _LIMIT_TRIES, _LIMIT_RETRY_MS)))
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


def _next_value(beat: Heartbeat, value: int) -> int:
    if beat.kind == COUNTER:
        return (value + 1) & 0xFFFF
    return value ^ beat.value if beat.kind == TOGGLE else beat.value
