"""Poll schedule of one rack: the summary on a fixed grid, writes next, cells in the spare time.

Stepped by the enforcing loop; each rack has a connection of its own, so all racks are polled at
once and a silent one delays no other.
"""

from __future__ import annotations

from gateway.clock import add, diff
from gateway.modbus import tcp_link
from gateway.modbus.pdu import DATA_OFFSET, read_request, write_request
from gateway.rack.data import CONTACTOR_OPEN, CONTACTOR_STATE, GOOD
from gateway.rack.register_map import decode_array

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gateway.modbus.pdu import Request
    from gateway.modbus.tcp_link import TcpLink
    from gateway.rack.data import RackData
    from gateway.rack.register_map import RegisterMap

NO_LIMIT = 0xFFFF
_OPEN_RETRY_MS = 1000  # between contactor commands while the rack still reads closed
_HEARTBEAT_MS = 1000
_LIMITS_REFRESH_MS = 10000
_NEAR_MS = 30  # no spare request this close before a summary


class RackPoller:
    """Keeps `data` fresh over `link` and carries commands to the rack BMS.

    `step` allocates nothing on its usual path.
    """

    def __init__(
        self,
        data: RackData,
        register_map: RegisterMap,
        link: TcpLink,
        unit: int,
        period_ms: int,
        scan_period_ms: int,
        first_due: int,
    ) -> None:
        self.data = data
        self.link = link
        self._map = register_map
        self._period_ms = period_ms
        self._due = first_due
        self._summary = read_request(
            unit, register_map.summary_address, register_map.summary_count
        )
        # (request, first index, count, True = cells): one whole scan, in order.
        self._scan = tuple(
            (read_request(unit, address, count), first, count, cells)
            for blocks, cells in (
                (register_map.cell_blocks, True),
                (register_map.temp_blocks, False),
            )
            for address, first, count in blocks
        )
        self._scan_pace_ms = scan_period_ms // len(self._scan)
        self._scan_next = 0
        self._scan_due = first_due
        self._scan_began = first_due
        self._scan_whole = True
        self._heartbeat = write_request(unit, register_map.gateway_heartbeat, 0)
        self._heartbeat_count = 0
        self._heartbeat_due = first_due
        self._open = write_request(unit, register_map.contactor_command, CONTACTOR_OPEN)
        self._open_due = first_due
        self._charge = write_request(unit, register_map.charge_limit_request, NO_LIMIT)
        self._discharge = write_request(unit, register_map.discharge_limit_request, NO_LIMIT)
        self._charge_da = NO_LIMIT
        self._discharge_da = NO_LIMIT
        self._charge_due = first_due
        self._discharge_due = first_due
        self._sent = self._summary  # the request in flight
        self.hold_open = False  # keep commanding the contactor open until it reads open
        self.open_commands = 0  # acknowledged ones since `hold_open` was set
        self.skipped = 0  # summary slots that passed unused

    def open_contactor(self, now: int) -> None:
        """Command the BMS contactor open as soon as possible, and again until it reads open."""
        if not self.hold_open:
            self.hold_open = True
            self.open_commands = 0
            self._open_due = now

    def set_limits(self, charge_da: int, discharge_da: int, now: int) -> None:
        """Current the gateway grants (0.1 A); written when it changes and every 10 s."""
        if charge_da != self._charge_da:
            self._charge_da = charge_da
            self._charge_due = now
        if discharge_da != self._discharge_da:
            self._discharge_da = discharge_da
            self._discharge_due = now

    def step(self, now: int) -> bool:
        """Advance to `now`; True when a fresh good summary was taken over."""
        event = self.link.step(now)
        fresh = event == tcp_link.REPLY and self._take(now)
        if event > tcp_link.REPLY and self._sent is self._scan[self._scan_next][0]:
            self._end_scan_block(now, False)
        if self.link.state == tcp_link.IDLE:
            self._send_next(now)
        elif diff(now, self._due) >= self._period_ms:
            self._next_slot(now)
        return fresh

    def wait_ms(self, now: int) -> int:
        """How long nothing will have to be done here; 0 while an answer is awaited."""
        if self.link.state != tcp_link.IDLE:
            return 0 if self.link.state == tcp_link.WAITING else 20
        return max(0, min(diff(self._due, now), diff(self._scan_due, now)))

    def _take(self, now: int) -> bool:
        sent = self._sent
        link = self.link
        if sent is self._summary:
            return self._map.decode_summary(self.data, link.buffer, DATA_OFFSET, link.sent_at)
        if sent is self._open:
            self.open_commands += 1
        elif sent is self._scan[self._scan_next][0]:
            self._take_scan(now)
        return False

    def _take_scan(self, now: int) -> None:
        _, first, count, cells = self._scan[self._scan_next]
        data = self.data
        target = data.cells_mv if cells else data.temps_dc
        decode_array(target, not cells, first, count, self.link.buffer, DATA_OFFSET)
        self._end_scan_block(now, True)

    def _end_scan_block(self, now: int, good: bool) -> None:
        """On to the next block; a scan with a refused or lost one does not count as whole."""
        if self._scan_next == 0:
            self._scan_began = now
            self._scan_whole = True
        self._scan_whole = self._scan_whole and good
        self._scan_next += 1
        if self._scan_next == len(self._scan):
            self._scan_next = 0
            if self._scan_whole:
                self.data.cells_acquired = self._scan_began
                self.data.cells_sequence += 1

    def _send_next(self, now: int) -> None:
        """Send the most urgent request that is due: opening, summary, limits, heartbeat, scan."""
        if self.hold_open and diff(now, self._open_due) >= 0 and self._may_be_closed(now):
            self._open_due = add(now, _OPEN_RETRY_MS)
            self._send(self._open, now)
        elif diff(now, self._due) >= 0:
            self._next_slot(now)
            self._send(self._summary, now)
        elif diff(now, self._charge_due) >= 0:
            self._charge_due = add(now, _LIMITS_REFRESH_MS)
            self._charge.set_value(self._charge_da)
            self._send(self._charge, now)
        elif diff(now, self._discharge_due) >= 0:
            self._discharge_due = add(now, _LIMITS_REFRESH_MS)
            self._discharge.set_value(self._discharge_da)
            self._send(self._discharge, now)
        elif diff(self._due, now) >= _NEAR_MS:
            self._send_spare(now)

    def _send_spare(self, now: int) -> None:
        if diff(now, self._heartbeat_due) >= 0:
            self._heartbeat_due = add(now, _HEARTBEAT_MS)
            self._heartbeat_count = (self._heartbeat_count + 1) & 0xFFFF
            self._heartbeat.set_value(self._heartbeat_count)
            self._send(self._heartbeat, now)
        elif diff(now, self._scan_due) >= 0:
            self._scan_due = add(now, self._scan_pace_ms)
            self._send(self._scan[self._scan_next][0], now)

    def _may_be_closed(self, now: int) -> bool:
        """Only fresh good data that say "open" are believed, and only after a command."""
        if self.open_commands == 0 or self.data.quality(now) != GOOD:
            return True
        return self.data.summary[CONTACTOR_STATE] != CONTACTOR_OPEN

    def _next_slot(self, now: int) -> None:
        """Keep the grid: the next slot after `now`, skipping what was missed.

        Comes round every period whether the rack answers or not, so it also keeps every other
        time that is due comparable: ticks more than 6 days apart are not.
        """
        self._due = add(self._due, self._period_ms)
        while diff(now, self._due) >= 0:
            self._due = add(self._due, self._period_ms)
            self.skipped += 1
        self._scan_due = _not_before(self._scan_due, now)
        self._heartbeat_due = _not_before(self._heartbeat_due, now)
        self._open_due = _not_before(self._open_due, now)
        self._charge_due = _not_before(self._charge_due, now)
        self._discharge_due = _not_before(self._discharge_due, now)

    def _send(self, request: Request, now: int) -> None:
        self._sent = request
        self.link.send(request, now)


def _not_before(due: int, now: int) -> int:
    """`due`, or `now` when it has passed."""
    return now if diff(now, due) > 0 else due
