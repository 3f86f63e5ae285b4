"""An I2C bus down to the registers of its chips: they can be deaf, lie, and hold the data line."""

_NO_DEVICE = 19


class FakePin:
    """Keeps every level it was given."""

    def __init__(self, level=1):
        self.level = level
        self.levels = []

    def __call__(self, level=None):
        if level is None:
            return self.level
        self.level = level
        self.levels.append(level)
        return None


class FakeI2c:
    """`machine.SoftI2C` over `chips`, a dict of addresses.

    `deaf`: so many transfers find no chip. `short`: so many writes lose their last byte's
    acknowledgement. `held`: something holds the data line low, which reads as zeros and looks like
    an acknowledgement; `clocks` pulses free it. `transfers` holds (address, data) of each write
    that was tried.
    """

    def __init__(self, chips, clocks=0):
        self.chips = chips
        self.deaf = 0
        self.short = 0
        self.held = False
        self.transfers = []
        self._later = (-1, "", 0)
        self.sda = _Data(self)
        self.scl = _Clock(self, clocks)

    def later(self, transfers, fault, count=1):
        """After so many more transfers: set `fault`, "deaf" or "short", to `count`."""
        self._later = (transfers, fault, count)

    def _pass(self):
        transfers, fault, count = self._later
        if transfers == 0:
            setattr(self, fault, count)
        self._later = (transfers - 1, fault, count)

    def writeto(self, address, data):
        self._pass()
        self.transfers.append((address, bytes(data)))
        if self.held:
            return len(data)
        self._answer(address)
        if self.short:
            self.short -= 1
            return len(data) - 1
        self.chips[address].write(data)
        return len(data)

    def readfrom_mem_into(self, address, register, into):
        self._pass()
        if not self.held:
            self._answer(address)
        for index in range(len(into)):
            into[index] = 0 if self.held else self.chips[address].read(register + index)

    def _answer(self, address):
        if self.deaf:
            self.deaf -= 1
            raise OSError(_NO_DEVICE)
        if address not in self.chips:
            raise OSError(_NO_DEVICE)


class _Data(FakePin):
    """The data line, which reads low while something holds it."""

    def __init__(self, i2c):
        super().__init__()
        self._i2c = i2c

    def __call__(self, level=None):
        if level is None and self._i2c.held:
            return 0
        return super().__call__(level)


class _Clock(FakePin):
    """The clock line: after enough pulses the chip that holds the data line lets go."""

    def __init__(self, i2c, needed):
        super().__init__()
        self._i2c = i2c
        self._needed = needed

    def __call__(self, level=None):
        if level == 0 and self._needed:
            self._needed -= 1
            self._i2c.held = self._i2c.held and self._needed > 0
        return super().__call__(level)


class Tca9554:
    """Its four registers, as at power-up. `floating`: levels of pins that are inputs; `high` and
    `low`: pins that something holds. `lies`: so many reads are wrong. `history`: relays after each
    write that changed them. `weak_writes`: writes until no pin is left to its weak pull-up, which
    a relay's driver may take for an order.
    """

    def __init__(self):
        self.floating = 0xFF
        self.high = 0
        self.low = 0
        self.lies = 0
        self.history = []
        self.weak_writes = 0
        self.power_up()

    def power_up(self):
        self.registers = bytearray((0, 0xFF, 0, 0xFF))

    @property
    def pins(self):
        outputs = self.registers[3] ^ 0xFF
        level = self.registers[1] & outputs | self.floating & self.registers[3]
        return (level | self.high) & ~self.low & 0xFF

    @property
    def relays(self):
        """A bit per relay; a weak pull-up moves none, an output that is held high does."""
        return self.pins & (self.registers[3] ^ 0xFF)

    def write(self, data):
        before = self.relays
        self.weak_writes += self.registers[3] != 0
        self.registers[data[0]] = data[1]
        if self.relays != before:
            self.history.append(self.relays)

    def read(self, register):
        value = self.pins ^ self.registers[2] if register == 0 else self.registers[register]
        if self.lies:
            self.lies -= 1
            return value ^ 0x10
        return value


class Pcf85063:
    """The registers 0 to 10, as after the first power-up: its oscillator had stood still.

    Time written while it runs would tear: such writes are counted in `torn`. `stuck`: a register
    that does not take what is written.
    """

    def __init__(self):
        self.registers = bytearray(11)
        self.registers[4] = 0x80
        self.torn = 0
        self.stuck = -1

    def write(self, data):
        if data[0] == 4 and not self.registers[0] & 0x20:
            self.torn += 1
        for index in range(1, len(data)):
            if data[0] + index - 1 != self.stuck:
                self.registers[data[0] + index - 1] = data[index]

    def read(self, register):
        return self.registers[register]
