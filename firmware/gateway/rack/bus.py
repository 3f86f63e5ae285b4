"""One link and the racks behind it: which of them may use it next, and for what.

In this order: an opening; summaries that are due, back to back; writes that are urgent; then, as
far as it fits before the next summary: units in doubt or down, racks that are hot, the cells and
temperatures of the rack that has waited longest, and other writes in what is left behind them.
"""

from __future__ import annotations

from micropython import const

from gateway.clock import diff
from gateway.modbus import link as wire

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gateway.modbus.link import Link
    from gateway.modbus.pdu import Request
    from gateway.rack.poller import RackPoller

NO_RACK = -1
_LONGEST_WAIT_MS = const(10)
_GRID_MS = const(50)
_TIDY_MS = const(60000)
_USE_WINDOW_MS = const(10000)
_LONGEST_ROOM_MS = const(1 << 20)
# By so much may what is sent in spare time delay a summary: detectors know the times of their
# samples no better than to 5 ms.
_SLACK_MS = const(5)
_OVERDUE_MS = const(1000)  # a probe that never fits is sent nevertheless, where there is most room
_SAME_MS = const(10)


class Bus:
    """`step` allocates nothing on its usual path."""

    def __init__(self, name: str, link: Link, pollers: list[RackPoller], now: int) -> None:
        self.name = name
        self.link = link
        self.pollers = pollers
        self.use_pm = 0  # how busy the line was in the last window, 0.1 %
        self._active: RackPoller | None = None  # whose request is in flight
        self._in_summary: RackPoller | None = None  # that has read some blocks of its summary
        self._turn = 0  # where the search for spare-time work begins
        self._probe_turn = 0
        self._hot_turn = True  # racks that are hot and scans take turns
        self._widest_ms = 0  # the most room there was lately
        self._away = False  # the link was closed
        self._grid = now
        self._tidied = now
        self._window = now
        self._window_busy_ms = 0

    def step(self, now: int) -> int:
        """Advance to `now` without waiting; index of the rack with a fresh summary, or NO_RACK."""
        event = self.link.step(now)
        fresh = NO_RACK
        if event != wire.NOTHING:
            fresh = self._handle(event, now)
        if diff(now, self._grid) >= _GRID_MS:
            self._keep_grid(now)
        state = self.link.state
        if state == wire.CLOSED:
            self._away = True
        elif state == wire.IDLE:
            if self._away:
                self._come_back(now)
            self._send_next(now)
        return fresh

    def wait_us(self, now: int) -> int:
        """How long no step is needed unless input comes."""
        link = self.link
        if link.state != wire.IDLE:
            return link.wait_us(now)
        wait_ms = _LONGEST_WAIT_MS
        for poller in self.pollers:
            due_ms = poller.due_in_ms(now)
            if 0 < due_ms < wait_ms:
                wait_ms = due_ms
        return 1000 * wait_ms

    def retry_now(self, now: int) -> None:
        """Ask every unit, and open the connection, without any pause."""
        self.link.retry_now()
        for poller in self.pollers:
            poller.retry_now(now)

    def _handle(self, event: int, now: int) -> int:
        poller = self._active
        self._active = None
        if poller is None:
            return NO_RACK
        fresh = False
        if event == wire.REPLY:
            fresh = poller.answered(self.link, now)
        elif event == wire.REFUSED:
            poller.refused(self.link.exception_code, now)
        else:  # also a lost connection: whoever answers badly must not be asked again at once
            poller.missed(now)
        if poller.in_summary:
            self._in_summary = poller
        elif self._in_summary is poller:
            self._in_summary = None
        return poller.data.index if fresh else NO_RACK

    def _come_back(self, now: int) -> None:
        """The link stands again, after the start too."""
        self._away = False
        self._in_summary = None
        for poller in self.pollers:
            poller.reconnected(now)

    def _send_next(self, now: int) -> None:
        for poller in self.pollers:
            if not poller.health.wants_probe:
                request = poller.opening(now)
                if request is not None:
                    self._send(poller, request, now)
                    return
        if self._in_summary is not None and not self._in_summary.health.wants_probe:
            self._send(self._in_summary, self._in_summary.summary(now), now)
            return
        room_ms = self._send_summary(now)
        if room_ms and not self._send_write(now, room_ms, True):
            self._send_spare(now, room_ms + _SLACK_MS)

    def _send_summary(self, now: int) -> int:
        """Send the summary that has been due longest; else the time until the first one is, ms."""
        latest_ms = -_LONGEST_ROOM_MS
        latest = None
        for poller in self.pollers:
            if not poller.health.wants_probe:
                late_ms = poller.summary_late_ms(now)
                if late_ms > latest_ms:
                    latest_ms = late_ms
                    latest = poller
        if latest is not None and latest_ms >= 0:
            self._send(latest, latest.summary(now), now)
            return 0
        return -latest_ms

    def _send_write(self, now: int, room_ms: int, urgent: bool) -> bool:
        """An urgent write, whatever room there is; or any other that fits."""
        for poller in self.pollers:
            if not poller.health.wants_probe:
                request = poller.write(now, self.link, room_ms, urgent)
                if request is not None:
                    self._send(poller, request, now)
                    return True
        return False

    def _send_spare(self, now: int, room_ms: int) -> None:
        self._widest_ms = max(self._widest_ms, room_ms)
        self._hot_turn = not self._hot_turn
        if self._send_probe(now, room_ms):
            return
        if self._hot_turn and self._send_hot(now, room_ms):
            return
        if self._send_scan(now, room_ms):
            return
        if self._hot_turn or not self._send_hot(now, room_ms):
            self._send_write(now, room_ms, False)

    def _send_probe(self, now: int, room_ms: int) -> bool:
        count = len(self.pollers)
        for offset in range(count):
            index = (self._probe_turn + offset) % count
            poller = self.pollers[index]
            health = poller.health
            overdue_ms = health.probe_overdue_ms(now)
            if not health.wants_probe or overdue_ms < 0:
                continue
            request = poller.probe_request()
            reply_time = request.reply_time
            lasts_ms = self.link.transfer_ms(request)
            lasts_ms += reply_time.timeout_ms - reply_time.latency_ms  # if nothing comes
            widest = room_ms >= self._widest_ms - _SAME_MS and overdue_ms >= _OVERDUE_MS
            if lasts_ms > room_ms and not widest:
                continue
            self._probe_turn = index + 1  # racks of one unit take turns
            self._send(poller, poller.probe(), now)
            return True
        return False

    def _send_hot(self, now: int, room_ms: int) -> bool:
        latest_ms = -1
        latest = None
        for poller in self.pollers:
            if poller.hot and not poller.health.wants_probe:
                late_ms = poller.hot_late_ms(now)
                if late_ms > latest_ms:
                    latest_ms = late_ms
                    latest = poller
        if latest is None or latest.summary_ms(self.link) > room_ms:
            return False
        self._send(latest, latest.summary(now), now)
        return True

    def _send_scan(self, now: int, room_ms: int) -> bool:
        count = len(self.pollers)
        widest = room_ms >= self._widest_ms - _SAME_MS
        latest_pm = -1
        latest = 0
        for offset in range(count):
            index = (self._turn + offset) % count
            poller = self.pollers[index]
            if poller.health.wants_probe:
                continue
            late_pm = poller.scan_late_pm(now, self.link, room_ms, widest)
            if late_pm > latest_pm:
                latest_pm = late_pm
                latest = index
        if latest_pm < 0:
            return False
        poller = self.pollers[latest]
        self._turn = latest + 1
        self._send(poller, poller.scan(now), now)
        return True

    def _send(self, poller: RackPoller, request: Request, now: int) -> None:
        self._active = poller
        self.link.send(request, now)

    def _keep_grid(self, now: int) -> None:
        self._grid = now
        for poller in self.pollers:
            poller.keep_grid(now)
        if diff(now, self._tidied) >= _TIDY_MS:
            self._tidied = now
            for poller in self.pollers:
                poller.keep_comparable(now)
        passed_ms = diff(now, self._window)
        if passed_ms >= _USE_WINDOW_MS:
            busy_ms = self.link.busy_ms
            self.use_pm = min(1000, diff(busy_ms, self._window_busy_ms) * 1000 // passed_ms)
            self._window = now
            self._widest_ms = 0
            self._window_busy_ms = busy_ms
