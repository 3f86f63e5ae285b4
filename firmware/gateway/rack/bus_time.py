"""Whether a bus can do what is asked of it: arithmetic over its requests, before anything is sent.

Uses the same expectation of an exchange's length that the schedule itself goes by: wire time both
ways, silences, and the latency stated in the configuration.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gateway.rack.bus import Bus


class BusTime:
    """What one bus needs in each summary period, in ms.

    `summaries_ms` for the summaries of all its racks, `spare_ms` is what is left, `slow_ms` what
    cells, temperatures, details and writes need of that on average, `longest_ms` the longest
    single exchange among them.
    """

    def __init__(self, bus: Bus, period_ms: int) -> None:
        link = bus.link
        self.name = bus.name
        self.racks = len(bus.pollers)
        self.period_ms = period_ms
        self.summaries_ms = 0
        self.longest_ms = 0
        slow_us = 0
        for poller in bus.pollers:
            self.summaries_ms += poller.summary_ms(link)
            for lasts_ms, every_ms in poller.slow_exchanges(link):
                self.longest_ms = max(self.longest_ms, lasts_ms)
                slow_us += lasts_ms * period_ms * 1000 // every_ms
        self.slow_ms = -(-slow_us // 1000)
        self.spare_ms = period_ms - self.summaries_ms

    @property
    def use_pm(self) -> int:
        """Share of the bus time that is asked for, 0.1 %."""
        return (self.summaries_ms + self.slow_ms) * 1000 // self.period_ms

    def problem(self) -> str:
        """Why this bus cannot hold its periods, for a person; "" when it can."""
        who = "bus %s: %d rack%s" % (self.name, self.racks, "" if self.racks == 1 else "s")
        advice = "a faster line, fewer racks on it or longer periods"
        if self.spare_ms < 0:
            return "%s need %d ms for their summaries, every %d ms: needs %s" % (
                who, self.summaries_ms, self.period_ms, advice,
            )  # fmt: skip
        if self.longest_ms > self.spare_ms:
            return "%s leave %d ms of every %d ms, but reading a block takes %d ms: needs %s" % (
                who, self.spare_ms, self.period_ms, self.longest_ms, advice,
            )  # fmt: skip
        if self.slow_ms > self.spare_ms:
            return "%s leave %d ms of every %d ms, cells and the rest need %d ms: needs %s" % (
                who, self.spare_ms, self.period_ms, self.slow_ms, advice,
            )  # fmt: skip
        return ""
