"""Relays, inputs, dead man and clock of the emulated board.

Relays are bits of registers that a reset of the machine clears, as a real relay drops: 0..7 the
LEDs of the SCC, 8 and 9 those of the FPGA, 10..15 its MISC register. QEMU has no digital inputs:
they, the dead man and the clock are words that the host shares (exchange.py).
"""

import exchange
import machine
from micropython import const

_SCC_LEDS = const(0x4002F004)
_FPGA_LEDS = const(0x40028000)
_FPGA_MISC = const(0x4002804C)
RELAY_COUNT = 16
INPUT_COUNT = 16
# (register, number of relays), the first relays first
_REGISTERS = ((_SCC_LEDS, 8), (_FPGA_LEDS, 2), (_FPGA_MISC, 6))
_WORDS = exchange.PSRAM + exchange.WORDS


class Relays:
    """Energised = 1. All drop as soon as this is made; `set` neither raises nor allocates."""

    def __init__(self) -> None:
        self.count = RELAY_COUNT
        self._places = [
            (register, 1 << bit) for register, many in _REGISTERS for bit in range(many)
        ]
        for register, _ in _REGISTERS:
            machine.mem32[register] = 0

    def set(self, number: int, energised: int) -> None:
        """Energise (1) or drop (0) one relay."""
        register, bit = self._places[number]
        if energised:
            machine.mem32[register] |= bit
        else:
            machine.mem32[register] &= ~bit


class Inputs:
    """Bits of a word that the host writes."""

    count = INPUT_COUNT

    def get(self, number: int) -> bool:
        """Level of one input."""
        return machine.mem32[_WORDS + exchange.INPUTS] >> number & 1 == 1


class DeadMan:
    """A word that counts up; the host's field lets every relay drop when it stands still."""

    def toggle(self) -> None:
        """The protecting loop has come round."""
        count = machine.mem32[_WORDS + exchange.DEAD_MAN] + 1
        machine.mem32[_WORDS + exchange.DEAD_MAN] = count & 0x3FFFFFFF


class BoardRtc:
    """A clock that the host keeps; what is written to it is noted beside it."""

    def read(self) -> int:
        """Unix time in ms; 0 = it was never set."""
        return machine.mem32[_WORDS + exchange.RTC_S] * 1000

    def write(self, utc_ms: int) -> None:
        """Set it."""
        machine.mem32[_WORDS + exchange.RTC_SET_S] = utc_ms // 1000
