"""An I2C bus down to its two lines: open-drain levels, clocked bits, a reset in the middle."""

OUTPUT = 1
_ADDRESS_BITS = 0x20 << 1


class Reset(Exception):
    """The processor was reset; its pins let both lines go."""


class Lines:
    """Two lines with pull-ups between a master and one TCA9554.

    `cut`: the reset comes at so many changes of the clock from now, once. `sda_first`: which line
    the reset lets go first.
    """

    def __init__(self):
        self.chip = Expander(self)
        self.sda = _Pin(self, "sda")
        self.scl = _Pin(self, "scl")
        self.cut = 0
        self.sda_first = True
        self.pulses = 0

    def drive(self, pin, level):
        """The master moves a line."""
        if pin is self.scl and level != pin.wanted and self.cut:
            self.cut -= 1
            if not self.cut:
                self._let_go()
                raise Reset
        self._move(pin, level)

    def _let_go(self):
        pins = (self.sda, self.scl) if self.sda_first else (self.scl, self.sda)
        for pin in pins:
            self._move(pin, 1)

    def _move(self, pin, level):
        before = (self.scl.level(), self.sda.level())
        pin.wanted = level
        self.pulses += pin is self.scl and before[0] == 1 and level == 0
        self.chip.look(before)


class _Pin:
    """`machine.Pin`, open drain: reads what the line has."""

    def __init__(self, lines, name):
        self._lines = lines
        self._name = name
        self.wanted = 1

    def level(self):
        held = self._name == "sda" and self._lines.chip.holds
        return 0 if held else self.wanted

    def __call__(self, level=None):
        if level is None:
            return self.level()
        self._lines.drive(self, level)
        return None


class Expander:
    """A TCA9554 that counts edges. It latches a byte as soon as it begins to acknowledge it.

    `latched`: everything that was ever in its output register.
    """

    def __init__(self, lines):
        self._lines = lines
        self.registers = bytearray((0, 0xFF, 0, 0xFF))
        self.latched = []
        self.stuck = False  # holds the data line for ever
        self._holding = False
        self._rest()

    def _rest(self):
        self._part = None  # of a transfer: address, register, data, reading
        self._bits = 0
        self._count = 0

    @property
    def holds(self):
        return self._holding or self.stuck

    def look(self, before):
        """What a change of a line means to it; `before`: (clock, data)."""
        scl, sda = self._lines.scl.level(), self._lines.sda.level()
        if scl and before[0] and sda != before[1]:
            self._rest()
            self._holding = False
            if not sda:
                self._part = "address"  # START; else STOP
        elif self._part is not None and scl and not before[0]:
            self._rises(sda)
        elif self._part is not None and before[0] and not scl:
            self._falls()

    def _rises(self, sda):
        self._count += 1
        if self._part == "reading":
            if self._count == 9 and sda:
                self._part = None  # not acknowledged: no more bytes
        elif self._count <= 8:
            self._bits = self._bits << 1 | sda

    def _falls(self):
        if self._part == "reading":
            if self._count == 9:
                self._begin_byte()
            self._holding = self._count < 8 and not self._sent >> (7 - self._count) & 1
        elif self._count == 8:
            self._holding = self._take(self._bits)
            if not self._holding:
                self._part = None
        elif self._count == 9:
            self._count = self._bits = 0
            self._holding = False
            if self._part == "to read":
                self._part = "reading"
                self._begin_byte()
                self._holding = not self._sent >> 7 & 1

    def _begin_byte(self):
        self._count = 0
        value = self.registers[self._pointer & 3]
        if self._pointer & 3 == 0:
            value = self.pins ^ self.registers[2]
        self._sent = value

    @property
    def pins(self):
        return (self.registers[OUTPUT] | self.registers[3]) & 0xFF  # weak pull-ups

    def _take(self, value):
        if self._part == "address":
            if value >> 1 != _ADDRESS_BITS >> 1:
                return False
            self._part = "to read" if value & 1 else "register"
        elif self._part == "register":
            self._pointer = value
            self._part = "data"
        else:
            self.registers[self._pointer & 3] = value
            if self._pointer & 3 == OUTPUT:
                self.latched.append(value)
        return True


class BitI2c:
    """`machine.SoftI2C` over the two lines."""

    def __init__(self, lines):
        self._scl = lines.scl
        self._sda = lines.sda

    def writeto(self, address, data):
        self._start()
        acknowledged = -1
        for byte in bytes((address << 1,)) + bytes(data):
            if not self._send(byte):
                break
            acknowledged += 1
        self._stop()
        if acknowledged < 0:
            raise OSError(19)
        return acknowledged

    def readfrom_mem_into(self, address, register, into):
        self._start()
        good = self._send(address << 1) and self._send(register)
        self._start()
        good = good and self._send(address << 1 | 1)
        if good:
            for index in range(len(into)):
                into[index] = self._receive(index == len(into) - 1)
        self._stop()
        if not good:
            raise OSError(19)

    def _start(self):
        self._sda(1)
        self._scl(1)
        self._sda(0)
        self._scl(0)

    def _stop(self):
        self._sda(0)
        self._scl(1)
        self._sda(1)

    def _bit(self, level):
        self._sda(level)
        self._scl(1)
        read = self._sda()
        self._scl(0)
        return read

    def _send(self, byte):
        for bit in range(7, -1, -1):
            self._bit(byte >> bit & 1)
        return self._bit(1) == 0

    def _receive(self, last):
        value = 0
        for _ in range(8):
            value = value << 1 | self._bit(1)
        self._bit(1 if last else 0)
        return value
