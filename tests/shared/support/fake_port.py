"""MicroPython's own modules as boards in the field have them: machine, network, esp32 and pyb.

`PORT.log` holds what was done to the hardware, in order; `PORT` also breaks what a test wants
broken. `load_board(name)` imports boards/<name>/board.py upon it.
"""

import gc
import io
import sys

from fake_i2c import FakeI2c, Pcf85063, Tca9554

ROOT = __file__.rsplit("/", 4)[0]
EXPANDER = 0x20
CLOCK = 0x51
SCL = 41
SDA = 42
BLOCK = 4096


class Port:
    def __init__(self):
        self.reset()

    def reset(self):
        """A new unit, switched on for the first time; its relays are what the reset left."""
        self.log = []
        self.pins = {}
        self.expander = Tca9554()
        self.clock_chip = Pcf85063()
        self.i2c = FakeI2c({EXPANDER: self.expander, CLOCK: self.clock_chip}, clocks=0)
        self.lan_error = None
        self.partitions = {"data": Blocks(64)}
        self.timers = []
        self.watchdogs = []
        self.system_time = (2000, 1, 1, 5, 0, 0, 0, 0)
        gc.collect()


class Pin:
    IN = 0
    OUT = 1
    OPEN_DRAIN = 2
    PULL_UP = 3

    def __init__(self, name, mode=None, pull=None, value=None):
        self.name = name
        self.mode = mode
        self.pull = pull
        self.level = value
        PORT.pins[name] = self
        PORT.log.append(("pin", name, mode, value))

    def __call__(self, level=None):
        if level is None:
            return 0 if self.name == SDA and PORT.i2c.held else self.level
        self.level = level
        if (self.mode, self.name) == (Pin.OPEN_DRAIN, SCL):
            PORT.i2c.scl(level)
        return None


class SoftI2C:
    def __init__(self, scl, sda, freq, timeout):
        self.readfrom_mem_into = PORT.i2c.readfrom_mem_into

    def writeto(self, address, data):
        PORT.log.append(("i2c", address, bytes(data)))
        return PORT.i2c.writeto(address, data)


class UART(io.IOBase):
    def __init__(self, number, **options):
        self.number = number
        self.options = options
        self.sent = []
        PORT.log.append(("uart", number))

    def ioctl(self, request, argument):
        return 0 if request == 3 else -22  # nothing came in; it has no file number

    def write(self, data):
        self.sent.append((bytes(data), {name: pin.level for name, pin in PORT.pins.items()}))
        return len(data)

    def txdone(self):
        return True


class Timer:
    """Timers of one number are one object."""

    PERIODIC = 1

    def __new__(cls, number, **options):
        for timer in PORT.timers:
            if timer.number == number:
                return timer
        return super().__new__(cls)

    def __init__(self, number, **options):
        PORT.log.append(("timer", number))
        self.number = number
        if self not in PORT.timers:
            PORT.timers.append(self)
        if options:
            self.options = options

    def init(self, **options):
        self.options = options

    def fire(self):
        self.options["callback"](self)


class WDT:
    def __init__(self, timeout):
        self.timeout = timeout
        self.fed = 0
        PORT.watchdogs.append(self)

    def feed(self):
        self.fed += 1


class RTC:
    def datetime(self, fields=None):
        if fields is not None:
            PORT.system_time = fields
        return PORT.system_time


class SPI:
    def __init__(self, number, **pins):
        PORT.log.append(("spi", number))


class LAN:
    def __init__(self, **options):
        PORT.log.append(("lan", sorted(options)))
        if PORT.lan_error is not None:
            raise PORT.lan_error
        self.options = options
        self.address = None

    def active(self, on):
        PORT.log.append(("lan active", on))

    def ipconfig(self, **settings):
        PORT.log.append(("lan address", settings))


class Blocks:
    """A partition: flash in RAM, as far as it was written. `dead`: no access works."""

    def __init__(self, count):
        self._blocks = {}
        self._count = count
        self.dead = False

    def _block(self, number):
        if self.dead:
            raise OSError(5)
        if number not in self._blocks:
            self._blocks[number] = bytearray(b"\xff" * BLOCK)
        return self._blocks[number]

    def readblocks(self, block, buffer, offset=0):
        buffer[:] = self._block(block)[offset : offset + len(buffer)]

    def writeblocks(self, block, buffer, offset=0):
        self._block(block)[offset : offset + len(buffer)] = buffer

    def ioctl(self, operation, argument):
        if operation == 4:
            return self._count
        if operation == 5:
            return BLOCK
        return 0


class Partition:
    TYPE_DATA = 1

    @staticmethod
    def find(kind, label=None):
        PORT.log.append(("partition", label))
        return [PORT.partitions[label]] if label in PORT.partitions else []


class _Machine:
    Pin = Pin
    SoftI2C = SoftI2C
    SPI = SPI
    UART = UART
    Timer = Timer
    WDT = WDT
    RTC = RTC

    @staticmethod
    def unique_id():
        return b"\x01\x02\xab"


class _Network:
    LAN = LAN
    PHY_W5500 = 1
    PHY_LAN8720 = 2


class _Esp32:
    Partition = Partition


class _Pyb:
    Timer = Timer


PORT = Port()


def load_board(name):
    """The module boards/<name>/board.py, freshly imported."""
    sys.modules["machine"] = _Machine
    sys.modules["network"] = _Network
    sys.modules["esp32"] = _Esp32
    sys.modules["pyb"] = _Pyb
    return _load(name, "board")


def run_boot(name):
    """Run boards/<name>/boot.py as the interpreter does before everything else."""
    sys.modules["machine"] = _Machine
    return _load(name, "boot")


def _load(name, module):
    folder = ROOT + "/boards/" + name
    sys.path.insert(0, folder)
    sys.modules.pop(module, None)
    try:
        return __import__(module)
    finally:
        sys.path.remove(folder)
        sys.modules.pop(module, None)
