"""Pauses between connection attempts: full jitter under a doubling bound."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    class Random(Protocol):
        """What is needed of the module `random`."""

        def getrandbits(self, __k: int) -> int:
            """A random integer of so many bits."""


_MAX_DOUBLINGS = 16
_BITS = 16  # resolution of the random fraction


def jitter_ms(span_ms: int, random: Random) -> int:
    """Uniform in 0 .. span_ms, so that a fleet does not do the same thing at the same moment."""
    return (span_ms * random.getrandbits(_BITS)) >> _BITS


class Backoff:
    """Uniform in 0 .. min(cap, base * 2**n): a whole fleet that lost its broker at the same moment
    comes back spread over the interval, not in waves.
    """

    def __init__(self, base_ms: int, cap_ms: int, random: Random) -> None:
        self._base_ms = base_ms
        self._cap_ms = cap_ms
        self._random = random
        self._doublings = 0

    def reset(self) -> None:
        """The link is good: the next pause is a short one again."""
        self._doublings = 0

    def next_ms(self, factor: int = 1) -> int:
        """The next pause; `factor` stretches the base, the cap holds."""
        span_ms = min(self._cap_ms, self._base_ms * factor << self._doublings)
        self._doublings = min(self._doublings + 1, _MAX_DOUBLINGS)
        return jitter_ms(span_ms, self._random)
