"""Arduino Opta RS485 or WiFi: 4 relays, 4 of its 8 inputs, RS-485, Ethernet.

Has not run on hardware. What is wired and what is safe: README.md.
"""

from __future__ import annotations

import machine
import network
import pyb
from dead_man import PERIOD_MS, TimerDeadMan
from field_board import NETWORK, FieldBoard, folder_storage, no_such_line
from gpio_pins import GpioInputs, GpioRelays
from machine import Pin
from system_rtc import SystemRtc

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from serial_port import SerialPort

# role -> (name of the pin in the stock image, pin of the processor)
PINS = {
    "relay_1": ("RELAY_1", "PI6"),
    "relay_2": ("RELAY_2", "PI5"),
    "relay_3": ("RELAY_3", "PI7"),
    "relay_4": ("RELAY_4", "PI4"),
    "lamp_1": ("LED_D0", "PI0"),
    "lamp_2": ("LED_D1", "PI1"),
    "lamp_3": ("LED_D2", "PI3"),
    "lamp_4": ("LED_D3", "PH15"),
    "rs485_tx": ("UART3_TX", "PB10"),
    "rs485_rx": ("UART3_RX", "PB11"),
    "rs485_driver": ("UART3_DE", "PB14"),  # high = drive
    "rs485_receiver": ("UART3_RE", "PB13"),  # low = listen
    # I1 and I2 are analogue only; the image counts I5 and I7 among the lines of its flash.
    "input_3": ("IN_3", "PF12"),
    "input_4": ("IN_4", "PB0"),
    "input_6": ("IN_6", "PF8"),
    "input_8": ("IN_8", "PF4"),
}
_RELAYS = ("relay_1", "relay_2", "relay_3", "relay_4")
_LAMPS = ("lamp_1", "lamp_2", "lamp_3", "lamp_4")
_INPUTS = ("input_3", "input_4", "input_6", "input_8")  # inputs 0 to 3 of the gateway
_UART = 3
_RX_BUFFER = 512  # the image's 64 would lose most of a reply
_TIMER = 7  # a basic one that the image does not use itself
_DATA_FOLDER = "data"  # of the FAT volume: the stock image has no LittleFS
_GC_BYTES = 65536
DEFAULTS = dict(NETWORK)


class Board(FieldBoard):
    """Everything the gateway may use of this board."""

    def __init__(self) -> None:
        self.relays = GpioRelays(_outputs(_RELAYS), _outputs(_LAMPS))
        super().__init__(DEFAULTS)
        pins = [Pin(PINS[role][0], Pin.IN) for role in _INPUTS]
        self.inputs = GpioInputs(tuple(pins), 1)
        self.dead_man = TimerDeadMan(self.relays.drop_all, self.relays.allow)
        # its callback interrupts the program
        self._timer = pyb.Timer(_TIMER, freq=1000 // PERIOD_MS, callback=self.dead_man.look)
        self.rtc = SystemRtc(machine.RTC())
        # The receiver is always on: off, its output would float, and so would the pin. The bus
        # hears itself then, which it knows.
        self._driver, _ = _outputs(("rs485_driver", "rs485_receiver"))
        self.set_storage(lambda: folder_storage(_DATA_FOLDER))
        self.start_lan(network.LAN)
        self.limit_heap(_GC_BYTES)

    def uart(self, number: int, baud: int, parity: int | None, stop: int) -> SerialPort:
        """The RS-485 line, number 3; OSError for another."""
        if number != _UART:
            raise no_such_line("one serial line, uart 3")
        uart = machine.UART(
            _UART, baudrate=baud, bits=8, parity=parity, stop=stop, timeout=0, rxbuf=_RX_BUFFER
        )
        return self.line(uart, baud, parity, stop, self._driver)


def _outputs(roles: tuple[str, ...]) -> tuple[Any, ...]:
    return tuple([Pin(PINS[role][0], Pin.OUT, value=0) for role in roles])
