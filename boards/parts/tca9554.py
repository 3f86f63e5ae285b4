"""Eight relays behind a TCA9554: safe before anything else, read back, open when in doubt.

The chip has no reset line: its outputs stay as they are while the processor hangs or restarts.
"""

from __future__ import annotations

from micropython import const

from gateway.clock import diff
from gateway.outputs.relay_faults import NO_ANSWER, SUPPLY_LOST

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from i2c_bus import I2cBus

# Registers, from the chip's data sheet; 2 inverts what is read.
_INPUT = const(0)
_OUTPUT = const(1)
_CONFIGURATION = const(3)  # 0 = output
_INVERT_ALL = const(0xFF)
_INVERTED = b"\x02\xff"
# The levels first: after a restart of the processor the pins still are outputs.
_SAFE = (b"\x01\x00", b"\x03\x00", _INVERTED)
_ATTEMPTS = const(3)
_LOOK_MS = const(100)


class ExpanderRelays:
    """contracts.Relays; a pin that is high energises its relay. All drop when this is made.

    The pins are read back after each write, inverted: eight dropped relays read 0xFF, so a data
    line that something holds down cannot pass for them. A chip that has forgotten that its pins
    are outputs had its supply gone: the relays dropped, and then all stay open (`lost`) until a
    restart, since closing again is for the closing rules. `set` does not raise; it allocates only
    when a transfer fails. It writes what has changed at once, what has not arrived at every order,
    the rest every 100 ms. A transfer that fails is tried again at once, twice; on a bus that was
    dead already only every 100 ms.

    `drop_all` may come between any two instructions of everything else here: it has buffers of its
    own, and what was about to be written when it came is taken back.

    `errors` counts writes that failed or did not arrive at the pins; `stuck`: which bits last did.
    """

    count = 8

    def __init__(self, bus: I2cBus, address: int, ticks: Callable[[], int]) -> None:
        self._bus = bus
        self._address = address
        self._ticks = ticks
        self._wanted = 0
        self._register = bytearray((_OUTPUT, 0))
        self._back = bytearray(1)
        self._back_of_drop = bytearray(1)
        self._looked = ticks()
        self.lost = False
        self._held = False
        self.errors = 0
        self.stuck = 0
        self._late = True  # what was written last has not arrived, as far as is known
        self.ready = self._open(self._back)  # False: no answer, or a pin does not follow

    def set(self, number: int, energised: int) -> None:
        """Energise (1) or drop (0) one relay."""
        bit = 1 << number & 0xFF
        wanted = self._wanted | bit if energised else self._wanted & ~bit
        now = self._ticks()
        if wanted != self._wanted or diff(now, self._looked) >= _LOOK_MS:
            self._wanted = wanted
            self._looked = now
            self._drive(_ATTEMPTS)
        elif self._late:
            answered = self.stuck != 0
            self._drive(1)
            if answered and not self.stuck and self._late:  # the transfer failed, no dead bus yet
                self._drive(_ATTEMPTS - 1)

    def drop_all(self) -> None:
        """Open every relay, now, and keep them open until `allow`."""
        self._held = True
        self._open(self._back_of_drop)

    def allow(self) -> None:
        """`set` may energise again; nothing closes by itself."""
        self._wanted = 0
        self._held = False

    def fault(self) -> int:
        """What the last order met, as in gateway.outputs.relay_faults."""
        if self.lost:
            return SUPPLY_LOST
        return (self.stuck or NO_ANSWER) if self._late else 0

    def _open(self, back: bytearray) -> bool:
        """All open and driven low; False when that cannot be read back."""
        self._late = True
        self.stuck = 0
        for _ in range(_ATTEMPTS):
            if self._write_safe() and self._arrived(0, back):
                return True
            self.errors += 1
        return False

    def _write_safe(self) -> bool:
        for data in _SAFE:  # noqa: SIM110 - a generator expression allocates
            if not self._bus.write(self._address, data):
                return False
        return True

    def _drive(self, attempts: int) -> None:
        self._late = True
        self.stuck = 0
        for _ in range(attempts):
            closed = 0 if self._held or self.lost else self._wanted
            self._register[1] = closed
            written = self._bus.write(self._address, self._register)
            if closed and self._held:
                self._open(self._back)
                return
            if written:
                if self._has_forgotten():
                    self.lost = True
                    self._write_safe()
                elif self._arrived(closed, self._back):
                    return
                else:
                    self._bus.free()
                    self._bus.write(self._address, _INVERTED)  # else nothing would ever arrive
            self.errors += 1

    def _has_forgotten(self) -> bool:
        """Pins are inputs, as the chip has them at power-up; said twice, it is no bad transfer."""
        for _ in range(2):
            if not self._bus.read(self._address, _CONFIGURATION, self._back) or not self._back[0]:
                return False
        return True

    def _arrived(self, closed: int, back: bytearray) -> bool:
        if not self._bus.read(self._address, _INPUT, back):
            return False
        self.stuck = (back[0] ^ _INVERT_ALL) ^ closed
        self._late = self.stuck != 0
        return not self._late
