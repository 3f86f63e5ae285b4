"""Waveshare ESP32-S3-ETH-8DI-8RO: 8 relays behind I2C, 8 inputs, RS-485, Ethernet, clock chip.

Has not run on hardware. What is wired and what is safe: README.md.
"""

from __future__ import annotations

import time

import esp32
import machine
import network
from dead_man import PERIOD_MS, TimerDeadMan
from field_board import NETWORK, FieldBoard, no_such_line
from gpio_pins import GpioInputs
from i2c_bus import I2cBus
from machine import Pin
from pcf85063 import Pcf85063
from system_rtc import BackedRtc, SystemRtc
from tca9554 import ExpanderRelays
from volume_storage import VolumeStorage, open_volume

from gateway.clock import Clock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from serial_port import SerialPort

# role -> GPIO
PINS = {
    "rs485_tx": 17,
    "rs485_rx": 18,
    "eth_sck": 15,
    "eth_mosi": 13,
    "eth_miso": 14,
    "eth_cs": 16,
    "eth_int": 12,
    "eth_reset": 39,
    "i2c_sda": 42,
    "i2c_scl": 41,
    "input_1": 4,
    "input_2": 5,
    "input_3": 6,
    "input_4": 7,
    "input_5": 8,
    "input_6": 9,
    "input_7": 10,
    "input_8": 11,
}
RELAY_ADDRESS = 0x20
_INPUTS = 8
_UART = 1
_UART_BUFFER = 512  # a frame of 256 bytes while another still waits
_I2C_HZ = 400000
_I2C_STRETCH_US = 200  # none of its chips holds the clock
_SPI = 1
_PHY_ADDRESS = 0
_TIMER = 0
_DATA = "data"  # label of the flash partition for records and latches
_GC_BYTES = 262144
# `input_on_level`: of the pin while current flows through an input. Sources contradict each other.
DEFAULTS = dict(NETWORK, input_on_level=0)


class Board(FieldBoard):
    """Everything the gateway may use of this board."""

    def __init__(self) -> None:
        sda = Pin(PINS["i2c_sda"], Pin.OPEN_DRAIN, value=1)
        scl = Pin(PINS["i2c_scl"], Pin.OPEN_DRAIN, value=1)
        i2c = machine.SoftI2C(scl=scl, sda=sda, freq=_I2C_HZ, timeout=_I2C_STRETCH_US)
        bus = I2cBus(i2c, scl, sda, time.sleep_us)
        self.relays = ExpanderRelays(bus, RELAY_ADDRESS, Clock().ticks)
        super().__init__(DEFAULTS)
        if not self.relays.ready:
            self.missing("relays: the expander at I2C address %d does not follow" % RELAY_ADDRESS)
        # nobody says whether the board has pull-ups; without one a pin would float
        pins = [
            Pin(PINS["input_%d" % (number + 1)], Pin.IN, Pin.PULL_UP) for number in range(_INPUTS)
        ]
        self.inputs = GpioInputs(tuple(pins), self.settings["input_on_level"])
        self.dead_man = TimerDeadMan(self.relays.drop_all, self.relays.allow)
        self._timer = machine.Timer(_TIMER)
        self._timer.init(
            mode=machine.Timer.PERIODIC, period=PERIOD_MS, callback=self.dead_man.look
        )
        self.rtc = BackedRtc(Pcf85063(bus), SystemRtc(machine.RTC()))
        self.set_storage(_open_data)
        self.start_lan(_make_lan)
        self.limit_heap(_GC_BYTES)

    def uart(self, number: int, baud: int, parity: int | None, stop: int) -> SerialPort:
        """The RS-485 line, number 1; OSError for another. The board turns its direction itself."""
        if number != _UART:
            raise no_such_line("one serial line, uart 1")
        uart = machine.UART(
            _UART,
            baudrate=baud,
            bits=8,
            parity=parity,
            stop=stop,
            tx=PINS["rs485_tx"],
            rx=PINS["rs485_rx"],
            txbuf=_UART_BUFFER,
            rxbuf=_UART_BUFFER,
            timeout=0,
        )
        return self.line(uart, baud, parity, stop)


def _make_lan() -> Any:
    spi = machine.SPI(
        _SPI, sck=Pin(PINS["eth_sck"]), mosi=Pin(PINS["eth_mosi"]), miso=Pin(PINS["eth_miso"])
    )
    # the type stubs know the arguments of another port only
    return network.LAN(  # type: ignore[call-arg]
        spi=spi,
        cs=Pin(PINS["eth_cs"]),
        int=Pin(PINS["eth_int"]),  # without it the driver refuses
        reset=Pin(PINS["eth_reset"]),
        phy_type=network.PHY_W5500,
        phy_addr=_PHY_ADDRESS,
    )


def _open_data() -> VolumeStorage:
    found = esp32.Partition.find(esp32.Partition.TYPE_DATA, label=_DATA)
    if not found:
        raise OSError("the flash has no partition named %s" % _DATA)
    return open_volume(found[0])
