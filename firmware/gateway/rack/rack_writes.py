"""Everything the gateway writes to one rack BMS: open the contactor, limits, a sign of life.

It never writes anything that closes a contactor or raises a limit above what protection grants.
"""

from __future__ import annotations

from micropython import const

from gateway.clock import add, diff
from gateway.rack.data import GOOD
from gateway.rack.planned_writes import LIMIT_RETRY_MS
from gateway.rack.unit_address import PLACES
from gateway.rack.write_job import new_state

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gateway.modbus.link import Link
    from gateway.modbus.pdu import Request
    from gateway.rack.data import RackData
    from gateway.rack.register_map import RegisterMap
    from gateway.rack.unit_address import UnitAddress
    from gateway.rack.write_job import Counts, WriteJob

_LIMITS_REFRESH_MS = const(30000)
_RISE_MS = const(5000)


class RackWrites:
    """The write jobs of one rack. A map without a register for something has no job for it."""

    def __init__(self, register_map: RegisterMap, address: UnitAddress, now: int) -> None:
        self._map = register_map
        self._address = address
        planned = register_map.writes
        self._state = new_state(max([job.number + 1 for job in planned.all], default=0))
        self.forbidden = 0  # times the map's interlock stood in the way of an opening
        self._forbids = False
        self.hold_open = False  # keep commanding the contactor open until it reads open
        self._granted = [0, 0]  # until protection grants something
        self._changed = False  # a granted current, and the device has not confirmed it yet
        self._refresh_due = now
        self._beat_due = now
        beat = register_map.heartbeat
        if beat is not None:
            self._beat_due = add(now, beat.period_ms * address.place // PLACES)
        for job in planned.all:
            self.request(job)  # what cannot be asked for is found at the start

    @property
    def opening(self) -> WriteJob:
        """The command that opens the contactor; only when `opening_due`."""
        return self._map.writes.opening  # type: ignore[return-value]

    @property
    def open_commands(self) -> int:
        """Open commands the device has confirmed since the order was given."""
        job = self._map.writes.opening
        return 0 if job is None else job.confirmed(self._state) - job.noted(self._state)

    @property
    def jobs(self) -> list[Counts]:
        """All of them, to be looked at."""
        return [job.counts(self._state) for job in self._map.writes.all]

    def request(self, job: WriteJob) -> Request:
        """What `job` is to send, the newest values in it; as those of a UnitAddress."""
        values = job.values
        if job is self._map.writes.beat:
            values[0] = job.noted(self._state)
        for index in range(len(job.limits)):
            direction, limit = job.limits[index]
            values[index] = limit.encode(self._granted[direction])
        return self._address.write(job.function, job.address, values, job.fixed)

    def sent(self, job: WriteJob, now: int) -> None:
        """Its request is on its way."""
        job.sent(self._state, now)

    def echoed(self, job: WriteJob) -> None:
        """The device has taken it."""
        job.echoed(self._state)

    def refused(self, job: WriteJob) -> None:
        """The device answered with an exception; `not_echoed` follows."""
        job.refused(self._state)

    def not_echoed(self, job: WriteJob) -> bool:
        """No answer, or a refusal; True when it is given up by that."""
        return job.not_echoed(self._state)

    def open_contactor(self, now: int) -> None:
        """Order the opening; again and again until `leave_contactor`."""
        if not self.hold_open:
            self.hold_open = True
            self._order_opening(now)

    def leave_contactor(self) -> None:
        """No opening is wanted any more."""
        if self.hold_open:
            self.hold_open = False
            job = self._map.writes.opening
            if job is not None:
                job.cancel(self._state)

    def forbids_opening(self, data: RackData, now: int) -> bool:
        """Whether the map's interlock stands in the way now.

        Only fresh good data do: what is not known forbids no opening.
        """
        command = self._map.open_contactor
        before = self._forbids
        self._forbids = (
            command is not None and data.quality(now) == GOOD and not command.allowed(data.summary)
        )
        if self._forbids and not before:
            self.forbidden += 1
        return self._forbids

    def opening_proved(self, data: RackData, now: int) -> bool:
        """Whether fresh data show that the command has worked, or the contactor open."""
        command = self._map.open_contactor
        if command is not None and data.quality(now) == GOOD and command.done(data.summary):
            return True
        return data.reads_open(now)

    def opening_due(self, now: int) -> bool:
        """Whether the command should be sent, unless the contactor is known to be open."""
        job = self._map.writes.opening
        if job is None:
            return False
        job.insist(self._state)  # an echo does not prove that it opened
        return job.is_due(self._state, now)

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
        """What to write now.

        `urgent`: only a granted current that has changed, or a sign of life a quarter of its
        period late; the repetitions are not.
        """
        if not urgent or self._changed:
            if diff(now, self._refresh_due) >= 0:
                self._order_limits(now)
            for job in self._map.writes.limits:
                if job.is_due(self._state, now):
                    return job
            if self._changed:
                self._see_limits(now)
        return self._heartbeat_due(now, urgent)

    def _see_limits(self, now: int) -> None:
        """A changed limit stays urgent until it is confirmed, whatever the device answers."""
        settled = True
        for job in self._map.writes.limits:
            settled = settled and job.settled(self._state)
            if job.given_up(self._state):
                job.order(self._state, add(now, LIMIT_RETRY_MS))
        self._changed = not settled

    def _heartbeat_due(self, now: int, urgent: bool) -> WriteJob | None:
        beat, job = self._map.heartbeat, self._map.writes.beat
        if beat is None or job is None:
            return None
        late_ms = diff(now, self._beat_due)
        if late_ms >= 0 and (not urgent or late_ms > beat.period_ms // 4):
            self._beat_due = add(now, beat.period_ms)
            job.note(self._state, beat.after(job.noted(self._state)))
            job.order(self._state, now)
        if not job.is_due(self._state, now) or (urgent and late_ms <= beat.period_ms // 4):
            return None
        return job

    def exchanges(self, link: Link) -> list[tuple[int, int]]:
        """(ms it takes, ms after which it comes again) of each write that is repeated."""
        exchanges = [
            (link.transfer_ms(self.request(job)), self._refresh_ms())
            for job in self._map.writes.limits
        ]
        beat, job = self._map.heartbeat, self._map.writes.beat
        if beat is not None and job is not None:
            exchanges.append((link.transfer_ms(self.request(job)), beat.period_ms))
        return exchanges

    def repeat_all(self, now: int) -> None:
        """The BMS may have been started anew: it must be told everything again."""
        self._order_limits(now)
        self._beat_due = now
        if self.hold_open:
            self._order_opening(now)

    def keep_comparable(self, now: int) -> None:
        """Keep every due time comparable over weeks of silence."""
        if diff(now, self._refresh_due) > 0:
            self._refresh_due = now
        if diff(now, self._beat_due) > 0:
            self._beat_due = now
        for job in self._map.writes.all:
            job.keep_comparable(self._state, now)

    def _order_opening(self, now: int) -> None:
        job = self._map.writes.opening
        if job is not None:
            job.note(self._state, job.confirmed(self._state))
            job.order(self._state, now)

    def _order_limits(self, now: int) -> None:
        self._refresh_due = add(now, self._refresh_ms())
        for job in self._map.writes.limits:
            job.order(self._state, now)

    def _refresh_ms(self) -> int:
        """After which time limits are repeated: each rack of a line at its own."""
        return _LIMITS_REFRESH_MS - _LIMITS_REFRESH_MS // (4 * PLACES) * self._address.place
