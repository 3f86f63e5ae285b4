"""How fast a backlog may go: a multiple of what comes in, so that live data keeps its place."""

from __future__ import annotations

from gateway.clock import diff

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gateway.clock import Clock

# Added to every rate, so that a backlog ends whatever the factor is and however little comes in.
FLOOR_BYTES_PER_S = 4096
# A message costs at least its part of a second. Blocks of a site at rest have about 5 kB: a
# megabyte a second of them may go where the factor allows it, and no storm of small ones.
MESSAGES_PER_S = 200
_LOOK_MS = 1000  # between two looks at what came in
_SLOWNESS = 64  # looks over which the inflow is averaged; lumps come once a minute


class TokenBucket:
    """Bytes that may be sent now: `factor` times the measured inflow and a floor, per second.

    A message may go as soon as the bucket is not empty, whatever its size; what it takes too much
    has to flow in again first. At most one second's worth is saved up.
    """

    def __init__(self, factor: int, clock: Clock) -> None:
        self._factor = factor
        self._clock = clock
        self._looked = self._filled = clock.ticks()
        self._total = 0  # inflow as of the last look
        self._began = True  # the next look is the first of its session
        self._looks = 0  # that the average has so far, up to _SLOWNESS
        self._inflow = 0  # bytes per second, times _SLOWNESS
        self._level = 0  # 1/1000 bytes
        self.rate = FLOOR_BYTES_PER_S  # bytes per second

    def begin(self) -> None:
        """A session begins: nothing went live before it, and that tells no rate."""
        self._began = True

    def watch(self, total: int) -> None:
        """`total` bytes have come in since start; call it several times a second."""
        now = self._clock.ticks()
        elapsed_ms = diff(now, self._looked)
        if self._began:
            self._began = False
        elif 0 <= elapsed_ms < _LOOK_MS:
            return
        elif 0 < elapsed_ms <= 60 * _LOOK_MS:  # otherwise nobody looked for long: no rate to tell
            per_s = (total - self._total) * 1000 // elapsed_ms
            for _ in range(elapsed_ms // _LOOK_MS):
                # The plain mean at first: no minute of waiting until the average has grown up.
                self._looks = min(self._looks + 1, _SLOWNESS)
                self._inflow += (_SLOWNESS * per_s - self._inflow) // self._looks
        self._looked = now
        self._total = total
        self.rate = FLOOR_BYTES_PER_S + self._factor * self._inflow // _SLOWNESS

    def may_send(self) -> bool:
        """True when the bucket is not empty."""
        now = self._clock.ticks()
        elapsed_ms = diff(now, self._filled)
        self._filled = now
        if not 0 <= elapsed_ms < 1000:
            elapsed_ms = 1000
        self._level = min(self._level + elapsed_ms * self.rate, 1000 * self.rate)
        return self._level > 0

    def spend(self, length: int) -> None:
        """A message of `length` bytes was sent."""
        self._level -= 1000 * max(length, self.rate // MESSAGES_PER_S)
