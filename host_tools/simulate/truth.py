"""What really happened on the site, noted independently of the gateway."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from host_tools.simulate.rack_unit import RackUnit


@dataclass
class Watch:
    """`crossed_ms` is the first moment at which the served value stood at or past `limit`."""

    rack: int
    field: str
    limit: int
    above: bool
    crossed_ms: int | None = None


@dataclass(frozen=True)
class Change:
    """A contactor or trip relay that changed; `on` is closed or energised."""

    at_ms: int
    on: bool


class Truth:
    """All times are ms of the one clock handed in; racks are counted from 0.

    `site_relay_changes` holds the relays that belong to no rack, by name.
    """

    def __init__(self, clock: Callable[[], int], racks: int) -> None:
        self.watches: list[Watch] = []
        self.relay_changes: list[list[Change]] = [[] for _ in range(racks)]
        self.contactor_changes: list[list[Change]] = [[] for _ in range(racks)]
        self.site_relay_changes: dict[str, list[Change]] = {}
        self._clock = clock

    def watch(self, rack: int, field_name: str, limit: int, above: bool) -> Watch:
        """Wait for `field_name` of `rack` to reach `limit`: >= when `above`, else <=."""
        watch = Watch(rack, field_name, limit, above)
        self.watches.append(watch)
        return watch

    def check(self, racks: Sequence[RackUnit]) -> None:
        """Look at the values that are served from now on; call it after each change of them."""
        now_ms = self._clock()
        for watch in self.watches:
            if watch.crossed_ms is None:
                value = racks[watch.rack].values[watch.field]
                if value >= watch.limit if watch.above else value <= watch.limit:
                    watch.crossed_ms = now_ms

    def relay_changed(self, rack: int, on: bool) -> None:
        """Note that the trip relay of `rack` changed just now."""
        self.relay_changes[rack].append(Change(self._clock(), on))

    def site_relay_changed(self, name: str, on: bool) -> None:
        """Note that a relay of the site changed just now."""
        self.site_relay_changes.setdefault(name, []).append(Change(self._clock(), on))

    def contactor_changed(self, rack: int, on: bool) -> None:
        """Note that the contactor of `rack` changed just now."""
        self.contactor_changes[rack].append(Change(self._clock(), on))


def opened_after(changes: Sequence[Change], since_ms: int) -> int | None:
    """First moment at or after `since_ms` at which it opened or dropped; None if it did not."""
    times = (change.at_ms for change in changes if not change.on)
    return next((at_ms for at_ms in times if at_ms >= since_ms), None)
