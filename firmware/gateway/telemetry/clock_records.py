"""What became known of the wall clock, for whoever reads the records.

Records of a boot carry the time as it was known when they were made, and the uptime. One record
that pairs the two, made when better time was had, lets a reader put the earlier ones right.
"""

from __future__ import annotations

import struct

from gateway.telemetry import records

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.clock import Clock

_SOURCES = ("unset", "the board's clock", "a time server")


class ClockRecords:
    """`append(kind, payload)` is the events lane's, `note(code, rack, text)` the recorder's."""

    def __init__(
        self,
        append: Callable[[int, bytes], object],
        note: Callable[[int, int, str], None],
        clock: Clock,
    ) -> None:
        self._append = append
        self._note = note
        self._clock = clock

    def changed(self, moved_ms: int, before: int) -> None:
        """The clock was set: moved by this much, from this quality; it has the new time by now."""
        quality = self._clock.utc_quality
        utc_ms = self._clock.utc_ms()
        payload = struct.pack(
            records.CLOCK_PAYLOAD,
            self._clock.uptime_ms() & 0xFFFFFFFF,
            utc_ms & 0xFFFFFFFF,
            utc_ms >> 32 & 0xFFFF,
            quality,
            0,
        )
        self._append(records.CLOCK, payload)
        text = "by %s, was %s, moved by %d ms" % (_SOURCES[quality], _SOURCES[before], moved_ms)
        self._note(records.CLOCK_SET, records.NO_RACK, text)
