"""Olimex ESP32-POE-ISO (WROOM) on a carrier with an RS-485 module and 2 relays.

Has not run on hardware. What is wired and what is safe: README.md.
"""

from __future__ import annotations

import esp32
import machine
import network
from dead_man import PulseDeadMan
from field_board import NETWORK, FieldBoard, no_such_line
from gpio_pins import GpioInputs, GpioRelays
from machine import Pin
from system_rtc import SystemRtc
from volume_storage import VolumeStorage, open_volume

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from serial_port import SerialPort

# role -> GPIO
PINS = {
    "rs485_tx": 4,
    "rs485_rx": 36,
    "eth_mdc": 23,
    "eth_mdio": 18,
    "eth_power": 12,
    "eth_clock": 17,
    "relay_1": 32,
    "relay_2": 33,
    "dead_man": 16,
    "input_1": 34,  # the button on the board
    "input_2": 13,
    "input_3": 14,
}
_RELAYS = ("relay_1", "relay_2")
_UART = 1
_UART_BUFFER = 512  # a frame of 256 bytes while another still waits
_PHY_ADDRESS = 0
_DATA = "data"  # label of the flash partition for records and latches
_GC_BYTES = 16384
DEFAULTS = dict(NETWORK)


class Board(FieldBoard):
    """Everything the gateway may use of this board."""

    def __init__(self) -> None:
        pins = [Pin(PINS[role], Pin.OUT, value=0) for role in _RELAYS]
        self.relays = GpioRelays(tuple(pins))
        self.dead_man = PulseDeadMan(Pin(PINS["dead_man"], Pin.OUT, value=0))
        super().__init__(DEFAULTS)
        # contacts to ground; GPIO 34 has no pull-up inside, the board has one for its button
        contacts = (
            Pin(PINS["input_1"], Pin.IN),
            Pin(PINS["input_2"], Pin.IN, Pin.PULL_UP),
            Pin(PINS["input_3"], Pin.IN, Pin.PULL_UP),
        )
        self.inputs = GpioInputs(contacts, 0)
        self.rtc = SystemRtc(machine.RTC())
        self.set_storage(_open_data)
        self.start_lan(_make_lan)
        self.limit_heap(_GC_BYTES)

    def uart(self, number: int, baud: int, parity: int | None, stop: int) -> SerialPort:
        """The RS-485 module at UEXT, number 1; OSError for another. It turns round by itself."""
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
    # the type stubs know the arguments of another port only
    return network.LAN(  # type: ignore[call-arg]
        mdc=Pin(PINS["eth_mdc"]),
        mdio=Pin(PINS["eth_mdio"]),
        power=Pin(PINS["eth_power"]),
        phy_type=network.PHY_LAN8720,
        phy_addr=_PHY_ADDRESS,
        ref_clk=Pin(PINS["eth_clock"]),
        ref_clk_mode=Pin.OUT,
    )


def _open_data() -> VolumeStorage:
    found = esp32.Partition.find(esp32.Partition.TYPE_DATA, label=_DATA)
    if not found:
        raise OSError("the flash has no partition named %s" % _DATA)
    return open_volume(found[0])
