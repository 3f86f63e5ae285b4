"""The DC bus of the site and the converter behind it, as far as the racks feel it."""

from __future__ import annotations

JOIN_MS = 3000  # a converter that found its bus dead checks it before it carries current again


class DcBus:
    """`upstream_closed`: the breaker between the racks and the converter."""

    def __init__(self) -> None:
        self.upstream_closed = True
        self._live_since: int | None = None

    def load(self, wanted: float, any_closed: bool, now_ms: int) -> float:
        """What the converter asks of every rack where the plan of the site says `wanted`.

        Nothing until JOIN_MS after the first contactor closed while none was: racks that close
        together join at rest.
        """
        if not any_closed:
            self._live_since = None
            return 0.0
        if self._live_since is None:
            self._live_since = now_ms
        return wanted if now_ms - self._live_since >= JOIN_MS else 0.0
