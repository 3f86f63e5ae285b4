"""The dead man's interrupt between any two instructions of the program that it interrupts."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

from dead_man import TimerDeadMan
from fake_hardware import HandClock
from fake_i2c import FakeI2c, FakePin, Tca9554
from gpio_pins import GpioRelays
from i2c_bus import I2cBus
from tca9554 import ExpanderRelays

ADDRESS = 0x20
PARTS = "boards/parts/"
SILENT = 7
Interrupt = Callable[[], None]
Program = Callable[[], None]


def interrupted(program: Program, interrupt: Interrupt, at: int) -> bool:
    """Run `program` with `interrupt` before its instruction number `at`; False when it has fewer.

    Instructions of the parts count, those of the interrupt itself do not.
    """
    passed = 0

    def trace(frame: FrameType, event: str, argument: object) -> Any:
        nonlocal passed
        if PARTS not in frame.f_code.co_filename.replace("\\", "/"):
            return None
        frame.f_trace_opcodes = True
        if event == "opcode":
            if passed == at:
                sys.settrace(None)
                frame.f_trace = None
                interrupt()
            passed += 1
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        program()
    finally:
        sys.settrace(before)
    return passed > at


def every_moment(start: Callable[[], tuple[Program, Interrupt, Callable[[], object]]]) -> int:
    """Interrupt a new program at each of its instructions; how many there were."""
    at = 0
    while True:
        program, interrupt, check = start()
        happened = interrupted(program, interrupt, at)
        if not happened:
            return at
        assert not check(), f"interrupted before instruction {at}"
        at += 1


def expander() -> tuple[Tca9554, ExpanderRelays, FakeI2c, HandClock]:
    chip = Tca9554()
    i2c = FakeI2c({ADDRESS: chip})
    clock = HandClock()
    relays = ExpanderRelays(
        I2cBus(i2c, i2c.scl, i2c.sda, lambda delay_us: None), ADDRESS, clock.ticks
    )
    return chip, relays, i2c, clock


def test_nothing_is_energised_behind_a_drop_of_the_expander() -> None:
    def start() -> tuple[Program, Interrupt, Callable[[], object]]:
        chip, relays, _, clock = expander()
        relays.set(0, 1)
        relays.set(1, 1)
        clock.advance(100)
        return lambda: relays.set(2, 1), relays.drop_all, lambda: chip.relays

    assert every_moment(start) > 50


def test_nothing_is_energised_behind_a_drop_while_all_is_repeated() -> None:
    def start() -> tuple[Program, Interrupt, Callable[[], object]]:
        chip, relays, _, clock = expander()
        relays.set(0, 1)
        clock.advance(100)
        return lambda: relays.set(0, 1), relays.drop_all, lambda: chip.relays

    assert every_moment(start) > 50


def test_a_drop_takes_no_relay_of_another_order_with_it_nor_calls_the_supply_lost() -> None:
    """Both use the chip at once, and the buffers of neither are the other's."""

    def start() -> tuple[Program, Interrupt, Callable[[], object]]:
        chip, relays, _, clock = expander()
        relays.set(0, 1)
        clock.advance(100)

        def wrong() -> object:
            relays.allow()
            relays.set(5, 1)
            return chip.relays != 0x20 or relays.lost or relays.stuck

        return lambda: relays.set(0, 1), relays.drop_all, wrong

    assert every_moment(start) > 50


def test_nothing_is_energised_behind_a_drop_of_pins() -> None:
    def start() -> tuple[Program, Interrupt, Callable[[], object]]:
        pins, lamps = (FakePin(0), FakePin(0)), (FakePin(0), FakePin(0))
        relays = GpioRelays(pins, lamps)
        relays.set(0, 1)
        return (
            lambda: relays.set(1, 1),
            relays.drop_all,
            lambda: [pin.level for pin in pins + lamps if pin.level],
        )

    assert every_moment(start) > 10


def test_a_toggle_that_is_interrupted_by_the_last_look_still_allows() -> None:
    """Else the relays would stay open until the next silence, whatever is ordered."""
    pin = FakePin(0)

    def start() -> tuple[Program, Interrupt, Callable[[], object]]:
        relays = GpioRelays((pin,))
        dead_man = TimerDeadMan(relays.drop_all, relays.allow)
        dead_man.toggle()
        for _ in range(SILENT - 1):
            dead_man.look(None)

        def wrong() -> object:
            dead_man.toggle()
            relays.set(0, 1)
            return pin.level != 1

        return dead_man.toggle, lambda: dead_man.look(None), wrong

    assert every_moment(start) > 5


def test_a_toggle_behind_a_drop_allows_whenever_the_timer_fires() -> None:
    pin = FakePin(0)

    def start() -> tuple[Program, Interrupt, Callable[[], object]]:
        relays = GpioRelays((pin,))
        dead_man = TimerDeadMan(relays.drop_all, relays.allow)
        dead_man.toggle()
        for _ in range(SILENT):
            dead_man.look(None)

        def wrong() -> object:
            dead_man.toggle()
            relays.set(0, 1)
            return pin.level != 1

        return dead_man.toggle, lambda: dead_man.look(None), wrong

    assert every_moment(start) > 5
