"""What each fault of the wire does to single answers."""

from __future__ import annotations

import random
from collections import Counter
from typing import Any

import numpy as np
import pytest

from host_tools.errors import UserError
from host_tools.simulate import faults
from host_tools.simulate.access_log import AccessLog
from host_tools.simulate.exchange import RTU, TCP, Exchange, is_sound, with_crc
from host_tools.simulate.image_registers import ImageRegisters, shipped
from host_tools.simulate.product import Product
from host_tools.simulate.rack_slave import RackSlave
from host_tools.simulate.rack_unit import RackUnit
from host_tools.simulate.registers import CONTACTOR
from host_tools.simulate.responder import Responder
from host_tools.simulate.simulated_site import GENERIC

IDENTITY = bytes.fromhex("0302000004")  # answered with 10 bytes of PDU
GOOD = bytes.fromhex("03084716000101a000d0")
OPEN_CONTACTOR = bytes.fromhex("0601000000")


@pytest.fixture
def responder(product: Product) -> Responder:
    rack = RackUnit(
        "rack01",
        product,
        registers=ImageRegisters(shipped(GENERIC), product.cells_per_rack, product.temps_per_rack),
        rng=np.random.default_rng(2),
        now_ms=0,
        on_contactor=lambda closed: None,
    )
    return Responder([RackSlave(rack, AccessLog(lambda: 0))], seed=3)


def fault(kind: str, **settings: Any) -> Any:
    return faults.by_name(kind).model_copy(update=settings)


def ask(responder: Responder, bus: str = TCP, request: bytes = IDENTITY) -> Exchange:
    exchange = Exchange(bus, 1, request, transaction=0x0100)
    responder.respond(exchange, [0])
    return exchange


def tcp_frame(pdu: bytes, transaction: int = 0x0100, unit: int = 1) -> bytes:
    head = transaction.to_bytes(2, "big") + b"\0\0" + (len(pdu) + 1).to_bytes(2, "big")
    return head + bytes([unit]) + pdu


def test_without_a_fault_the_answer_is_good_on_both(responder: Responder) -> None:
    assert ask(responder).frame == tcp_frame(GOOD)
    assert ask(responder, RTU).frame == with_crc(b"\x01" + GOOD)
    assert responder.happened == Counter()


@pytest.mark.parametrize(
    ("wire_fault", "on_tcp", "on_rtu"),
    [
        (fault("wrong_unit"), tcp_frame(GOOD, unit=2), with_crc(b"\x02" + GOOD)),
        (fault("wrong_function"), tcp_frame(b"\4" + GOOD[1:]), with_crc(b"\1\4" + GOOD[1:])),
        (fault("short_frame"), tcp_frame(GOOD[:-2]), with_crc(b"\x01" + GOOD[:-2])),
        (fault("exception", code=6), tcp_frame(b"\x83\x06"), with_crc(b"\x01\x83\x06")),
        (fault("wrong_transaction"), tcp_frame(GOOD, 0xFF), with_crc(b"\x01" + GOOD)),
        (fault("no_reply"), b"", b""),
        (fault("dead"), b"", b""),
    ],
)
def test_frames_that_are_wrong_in_a_known_way(
    responder: Responder, wire_fault: Any, on_tcp: bytes, on_rtu: bytes
) -> None:
    responder.begin(wire_fault, 0)
    assert ask(responder).frame == on_tcp
    assert ask(responder, RTU).frame == on_rtu
    assert responder.happened[wire_fault.kind] == (2 if RTU in wire_fault.buses else 1)
    responder.end(wire_fault, 0)
    assert ask(responder).frame == tcp_frame(GOOD)


def test_a_long_frame_is_sound_but_for_its_length(responder: Responder) -> None:
    responder.begin(fault("long_frame", count=3), 0)
    frame = ask(responder, RTU).frame
    assert (
        is_sound(frame) and len(frame) == len(GOOD) + 3 + 3 and frame[1 : len(GOOD)] == GOOD[:-1]
    )


def test_noise_inverts_as_many_bits_as_it_says(responder: Responder) -> None:
    responder.begin(fault("noise", bits=3), 0)
    assert ask(responder, TCP).frame == tcp_frame(GOOD)
    for _ in range(20):
        frame = ask(responder, RTU).frame
        good = with_crc(b"\x01" + GOOD)
        assert len(frame) == len(good) and not is_sound(frame)
        assert sum((a ^ b).bit_count() for a, b in zip(frame, good, strict=True)) == 3


def test_lost_bytes_leave_the_rest_alone(responder: Responder) -> None:
    good = tcp_frame(GOOD)
    responder.begin(fault("lost_bytes", count=2), 0)
    frames = {ask(responder).frame for _ in range(40)}
    possible = {good[:first] + good[first + 2 :] for first in range(len(good) - 1)}
    assert len(frames) > 3 and frames <= possible


@pytest.mark.parametrize(
    ("first", "last", "refused"),
    [(0x200, 0x200, True), (0x203, 0x300, True), (0x204, 0x300, False)],
)
def test_an_exception_for_a_range_of_registers(
    responder: Responder, first: int, last: int, refused: bool
) -> None:
    responder.begin(fault("exception", first=first, last=last), 0)
    assert (ask(responder).frame == tcp_frame(b"\x83\x02")) == refused
    assert responder.happened["exception"] == refused


@pytest.mark.parametrize(
    ("kind", "commanded"), [("dead", 1), ("exception", 1), ("no_reply", 0), ("noise", 0)]
)
def test_whether_a_command_takes_effect(responder: Responder, kind: str, commanded: int) -> None:
    """A dead unit hears nothing, an exception refuses; a lost answer was obeyed all the same."""
    responder.begin(fault(kind), 0)
    ask(responder, RTU, OPEN_CONTACTOR)
    assert responder.slaves[0].rack.commands[CONTACTOR] == commanded


def test_probability_is_a_share_of_answers_and_the_seed_repeats_it(responder: Responder) -> None:
    def strikes(seed: int) -> list[bool]:
        again = Responder(responder.slaves, seed)
        again.begin(fault("no_reply", probability=0.2), 0)
        return [ask(again).frame == b"" for _ in range(1000)]

    assert strikes(1) == strikes(1) != strikes(2)
    assert 150 <= sum(strikes(1)) <= 250


def test_latency_and_its_jitter(responder: Responder) -> None:
    responder.begin(fault("latency", ms=20.0, jitter_ms=10.0), 0)
    delays = [ask(responder).delay_ms for _ in range(200)]
    assert 20 <= min(delays) < 21 and 29 < max(delays) <= 30


@pytest.mark.parametrize("name", faults.names())
def test_every_fault_has_a_kind_and_is_refused_with_nonsense(name: str) -> None:
    found = faults.by_name(name)
    assert found.kind == name
    assert found.buses
    with pytest.raises(ValueError, match="extra_forbidden"):
        type(found).model_validate({"kind": name, "no_such_key": 1})


def test_an_unknown_fault_is_told_with_the_known_ones() -> None:
    with pytest.raises(UserError, match="no fault 'fire'.*cell_overvoltage.*noise"):
        faults.by_name("fire")


def test_chances_do_not_depend_on_the_other_racks() -> None:
    assert random.Random("1 0").random() != random.Random("1 1").random()
