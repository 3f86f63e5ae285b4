"""A pseudo-terminal at wire speed, as the master's process sees it."""

from __future__ import annotations

import os
import select
import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from host_tools.simulate.rs485_wire import Rs485Wire

LATENCY_NS = 5_000_000
PATIENCE_S = 10.0


@contextmanager
def echoing(baud: int, bits: int, answer: bytes | None = None) -> Iterator[tuple[Rs485Wire, int]]:
    """A wire whose slave answers every frame with `answer`, or with itself; and its port."""

    def heard(frame: bytes, at_ns: int) -> None:
        wire.transmit(frame if answer is None else answer, at_ns + LATENCY_NS)

    wire = Rs485Wire(baud, bits, heard)
    wire.open()
    port = os.open(wire.path, os.O_RDWR | os.O_NOCTTY)
    try:
        yield wire, port
    finally:
        os.close(port)
        wire.close()


def read(port: int, count: int) -> list[tuple[float, int, bytes]]:
    """(time, bytes so far, bytes) of every read until `count` have come."""
    seen: list[tuple[float, int, bytes]] = []
    got = 0
    while got < count:
        assert select.select([port], [], [], PATIENCE_S)[0], f"{got} of {count} bytes came"
        data = os.read(port, 4096)
        got += len(data)
        seen.append((time.monotonic(), got, data))
    return seen


def test_every_byte_passes_unchanged_both_ways() -> None:
    everything = bytes(range(256))
    with echoing(115200, 10) as (_, port):
        os.write(port, everything)
        assert b"".join(data for _, _, data in read(port, 256)) == everything


def test_a_read_that_finds_nothing_returns_at_once() -> None:
    """MicroPython opens the port as a plain file and cannot ask for this itself."""
    with echoing(115200, 10) as (_, port):
        began_s = time.monotonic()
        assert os.read(port, 100) == b""
        assert time.monotonic() - began_s < 1


@pytest.mark.parametrize(("baud", "bits", "rounds"), [(115200, 10, 15), (19200, 11, 4)])
def test_a_long_answer_takes_its_time_on_the_wire(baud: int, bits: int, rounds: int) -> None:
    """From the request to the last byte, over the ideal; a busy machine only makes it longer."""
    ideal_s = (8 + 255) * bits / baud + LATENCY_NS / 1e9
    ratios = []
    with echoing(baud, bits, bytes(255)) as (wire, port):
        ideal_s += wire.timing.silence_ns / 1e9
        for _ in range(rounds):
            time.sleep(0.005)
            began_s = time.monotonic()
            os.write(port, b"12345678")
            ratios.append((read(port, 255)[-1][0] - began_s) / ideal_s)
        assert wire.timing.collisions == wire.timing.short_silences == wire.overruns == 0
    assert min(ratios) > 0.999
    assert min(ratios) < 1.02
    assert statistics.median(ratios) < 1.1


def test_an_answer_does_not_come_at_once() -> None:
    """No byte is there before its last bit was on the wire."""
    char_s = 10 / 19200
    with echoing(19200, 10, bytes(40)) as (wire, port):
        began_s = time.monotonic()
        os.write(port, b"12345678")
        first_s = began_s + 8 * char_s + wire.timing.silence_ns / 1e9 + LATENCY_NS / 1e9
        seen = read(port, 40)
    for at_s, got, _ in seen:
        assert at_s >= first_s + got * char_s - 0.0005
    assert len(seen) > 5


def test_an_answer_whose_time_has_passed_goes_out_at_once() -> None:
    with echoing(115200, 10) as (wire, port):
        wire.transmit(b"late", 0)
        assert b"".join(data for _, _, data in read(port, 4)) == b"late"


def test_what_nobody_reads_is_forgotten_or_counted() -> None:
    with echoing(1_000_000, 10) as (wire, port):
        wire.transmit(b"old", 0)
        assert select.select([port], [], [], PATIENCE_S)[0]
        time.sleep(0.05)
        wire.forget()
        assert os.read(port, 100) == b""
        wire.transmit(bytes(120_000), 0)  # more than a port holds, 1.2 s on the wire
        deadline_s = time.monotonic() + PATIENCE_S
        while not wire.overruns and time.monotonic() < deadline_s:
            time.sleep(0.01)
        assert wire.overruns > 0


def test_close_may_be_called_again_and_before_open() -> None:
    wire = Rs485Wire(9600, 10, lambda frame, at_ns: None)
    wire.close()
    wire.open()
    path = wire.path
    assert os.path.exists(path)
    wire.close()
    wire.close()
