"""Everything the gateway writes to one rack BMS: open the contactor, limits, a sign of life.

It never writes anything that closes a contactor or raises a limit above what protection grants.
"""

from __future__ import annotations

from gateway.clock import add, diff
from gateway.rack.block_read import PLACES
from gateway.rack.data import GOOD
from gateway.rack.incidents import Repeats
from gateway.rack.write_requests import (
    LIMIT_RETRY_MS,
    heartbeat_job,
    limit_jobs,
    next_beat,
    opening_job,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gateway.modbus.link import Link
    from gateway.rack.block_read import UnitAddress
    from gateway.rack.data import RackData
    from gateway.rack.register_map import RegisterMap
    from gateway.rack.write_job import WriteJob

_LIMITS_REFRESH_MS = 30000
_RISE_MS = 5000


class RackWrites:
    """The write jobs of one rack. A map without a register for something has no job for it."""

    def __init__(self, register_map: RegisterMap, address: UnitAddress, now: int) -> None:
        self._command = register_map.open_contactor
        self._open = opening_job(register_map, address)
        self.forbidden = 0  # times the map's interlock stood in the way of an opening
        self._forbids = False
        self.forbidden_news = Repeats()
        self.hold_open = False  # keep commanding the contactor open until it reads open
        self._open_since = 0  # echoes of the command before `hold_open` was set
        self._limits = limit_jobs(register_map, address)
        self._granted = [0, 0]  # until protection grants something
        self._refresh_ms = _LIMITS_REFRESH_MS - _LIMITS_REFRESH_MS // (4 * PLACES) * address.place
        self._changed = False  # a granted current, and the device has not confirmed it yet
        self._refresh_due = now
        self._beat = register_map.heartbeat
        self._beat_job = heartbeat_job(self._beat, address)
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

    def forbids_opening(self, data: RackData, now: int) -> bool:
        """Whether the map's interlock stands in the way now.

        Only fresh good data do: what is not known forbids no opening.
        """
        command = self._command
        before = self._forbids
        self._forbids = (
            command is not None and data.quality(now) == GOOD and not command.allowed(data.summary)
        )
        if self._forbids and not before:
            self.forbidden += 1
        return self._forbids

    def opening_proved(self, data: RackData, now: int) -> bool:
        """Whether fresh data show that the command has worked, or the contactor open."""
        command = self._command
        if command is not None and data.quality(now) == GOOD and command.done(data.summary):
            return True
        return data.reads_open(now)

    def opening_due(self, now: int) -> bool:
        """Whether the command should be sent, unless the contactor is known to be open."""
        job = self._open
        if job is None:
            return False
        job.pending = True  # an echo does not prove that it opened
        return job.is_due(now)

    def set_limits(self, charge_da: int, discharge_da: int, now: int) -> None:
        """Current the gateway grants, 0.1 A. A fall is written as soon as the bus allows, a rise
        in spare time and not more often than every few seconds: it rises in many small steps.
        """
        granted = self._granted
        if charge_da < granted[0] or discharge_da < granted[1]:
            self._changed = True
            self._order_limits(now)
        elif (charge_da > granted[0] or discharge_da > granted[1]) and (
            diff(self._refresh_due, now) > _RISE_MS
        ):
            self._refresh_due = add(now, _RISE_MS)
        granted[0] = charge_da
        granted[1] = discharge_da

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
                job.order(add(now, LIMIT_RETRY_MS))
        self._changed = not settled

    def _heartbeat_due(self, now: int, urgent: bool) -> WriteJob | None:
        beat, job = self._beat, self._beat_job
        if beat is None or job is None:
            return None
        late_ms = diff(now, self._beat_due)
        if late_ms >= 0 and (not urgent or late_ms > beat.period_ms // 4):
            self._beat_due = add(now, beat.period_ms)
            self._beat_value = next_beat(beat, self._beat_value)
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
        self.forbidden_news.keep_comparable(now)
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
