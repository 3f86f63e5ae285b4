"""The simulated board's serial line on a real pseudo-terminal, on CPython."""

from __future__ import annotations

import os
import sys
import tty
from collections.abc import Iterator

import pytest

from host_tools.toolchain.paths import ROOT

sys.path.append(str(ROOT / "boards" / "sim"))
from bus_wait import BusWait  # noqa: E402
from serial_line import SerialLine  # noqa: E402


class Field:
    """The far side, with a clock moved by hand."""

    def __init__(self) -> None:
        self.now_us = 0
        self.master, self.slave = os.openpty()
        tty.setraw(self.slave)
        self.wait = BusWait()
        path = os.ttyname(self.slave)
        self.line = SerialLine(path, 19200, 0, 1, lambda: self.now_us, self.wait)


@pytest.fixture
def field() -> Iterator[Field]:
    made = Field()
    yield made
    made.line.close()


def test_sending_lasts_the_wire_time(field: Field) -> None:
    assert (field.line.baud, field.line.char_bits) == (19200, 11)
    assert not field.line.sending()
    assert field.line.write(bytearray(b"request!")) == 8
    assert os.read(field.master, 100) == b"request!"
    field.now_us = 4583  # 8 characters of 11 bits last 4583.3 us
    assert field.line.sending()
    field.now_us = 4584
    assert not field.line.sending()


def test_reads_at_most_what_is_asked_and_never_waits(field: Field) -> None:
    buffer = bytearray(8)
    assert field.line.readinto(buffer, 8) is None
    assert not field.wait.wait(1000)
    os.write(field.master, b"abc")
    assert field.wait.wait(100_000)
    assert field.line.readinto(buffer, 2) == 2
    assert field.line.readinto(buffer, 8) == 1
    assert buffer[:2] == b"cb"


def test_far_side_that_is_gone_is_an_error_and_wakes_nobody(field: Field) -> None:
    os.close(field.master)
    os.close(field.slave)
    for _ in range(2):
        with pytest.raises(OSError, match="gone"):
            field.line.write(bytearray(8))
    assert not field.wait.wait(1000)
