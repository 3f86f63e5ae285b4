"""The boot id: larger at every start, and never the same twice.

A number handed out twice would make two records with one key, and the receiver would throw the
second away. So it counts on what the flash remembers; when that is nothing it takes the wall
clock, else chance. An empty flash may be that of a board in the place of another one with the
same gateway name, so it does not begin at 1.
"""

from __future__ import annotations

from micropython import const

from gateway.telemetry.pair_file import read_pair, write_pair

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gateway.clock import Clock
    from gateway.contracts import Random, Storage

_FILE = "boot"
_LARGEST = const(0xFFFFFFFF)


def begin(storage: Storage, clock: Clock, random: Random | None, known: int) -> tuple[int, bool]:
    """Take an id above `known` and the last one on flash; returns it and whether it was kept.

    `known` is the largest id seen in other files.
    """
    counted = read_pair(storage, _FILE)[0]
    known = max(known, counted)
    remembered = counted > 0
    boot = known + 1 if remembered else _unused(clock, random, known)
    kept = write_pair(storage, _FILE, boot, 0)
    if not kept and remembered:  # the next start would count from the same number again
        boot = _unused(clock, random, known)
    return boot, kept


def _unused(clock: Clock, random: Random | None, known: int) -> int:
    """An id that no earlier boot had, as far as anything here can tell.

    Counts are small numbers, so the seconds of today are above every one of them and above those
    of an earlier start. Without a clock two ids agree by a chance of 1 in 2**31.
    """
    seconds = clock.utc_ms() // 1000
    if clock.utc_quality and known < seconds <= _LARGEST:
        return seconds
    if random is not None:
        return known + 1 + random.getrandbits(31) % (_LARGEST - known)
    return known + 1
