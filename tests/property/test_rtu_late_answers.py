"""After a timeout, a garbled answer or a refusal a probe comes first: then none is mixed up.

RTU answers carry no hint which request they belong to; a unit answers in order, but as late as it
likes, or not, or badly. The rule:

- A unit that did not give a good answer is in doubt. All it is asked then is a probe, a read
  whose answer has a length that none of its other answers has and whose data is not used. A good
  answer of that length ends the doubt, for no answer to anything asked before can come behind it.
- Each doubt uses the other one of two lengths. Several probes of one doubt may be on their way
  when the first is answered; the rest must not end the next doubt, whose cause may be younger.
- A refusal is a doubt too: it may be the answer to a probe of the last doubt that came late.

A small master follows the rule over the real link. Without the rule, and without any one part of
it, it must be caught, or the test would not bite.
"""

from __future__ import annotations

import os
import random
from bisect import insort

import pytest
from serial_wire import registers_of, sealed

from gateway.clock import TICKS_MASK
from gateway.modbus import pdu
from gateway.modbus.line_time import LineTime
from gateway.modbus.link import IDLE, NOTHING, REFUSED, REPLY
from gateway.modbus.reply_time import ReplyTime
from gateway.modbus.rtu_link import RtuLink

HISTORIES = int(os.environ.get("FUZZ", "0")) // 100 or 3000
REQUESTS = 40
UNITS = (3, 4)  # the first is asked more often


class Line:
    """A line with several units; every byte that comes knows to which request it belongs."""

    baud = 115200
    char_bits = 10

    def __init__(self, dice: random.Random) -> None:
        self._dice = dice
        self.now_us = dice.getrandbits(30)
        self._time = LineTime(self.baud, self.char_bits)
        self._end_us = 0
        self._free_at = dict.fromkeys(UNITS, 0)
        self._coming: list[tuple[int, int, int, int]] = []  # time, order, byte, request
        self._order = 0
        self.serial = 0  # of the request sent last
        self.heard: list[int] = []  # to which requests the bytes belong since then
        self.slow = False

    def micros(self) -> int:
        return self.now_us & TICKS_MASK

    def ticks(self) -> int:
        return self.now_us // 1000 & TICKS_MASK

    def write(self, frame: bytearray) -> int:
        self.serial += 1
        self.heard.clear()
        self._end_us = self.now_us + self._time.wire_us(len(frame))
        self._answer(bytes(frame))
        return len(frame)

    def sending(self) -> bool:
        return self.now_us < self._end_us

    def readinto(self, buffer: bytearray, count: int) -> int | None:
        taken = 0
        while taken < count and self._coming and self._coming[0][0] <= self.now_us:
            _, _, buffer[taken], serial = self._coming.pop(0)
            self.heard.append(serial)
            taken += 1
        return taken or None

    def _answer(self, frame: bytes) -> None:
        dice = self._dice
        if dice.random() < 0.02:
            return
        begin_us = max(self._free_at[frame[0]], self._end_us + self._latency_us())
        data = registers_of(frame) if frame[1] <= 4 else sealed(frame[:6])
        chance = dice.random()
        if chance < 0.15:
            data = sealed(bytes([frame[0], frame[1] | 0x80, 6]))
        elif chance < 0.17:
            data = data[: dice.randrange(len(data))]
        elif chance < 0.19:
            data = bytes([dice.getrandbits(8)]) + data
        for index, byte in enumerate(data):
            self._order += 1
            over_us = begin_us + self._time.wire_us(index + 1)
            insort(self._coming, (over_us, self._order, byte, self.serial))
        self._free_at[frame[0]] = begin_us + self._time.wire_us(len(data))

    def _latency_us(self) -> int:
        dice = self._dice
        if dice.random() < 0.2:
            self.slow = not self.slow
        usual_us = 60_000 if self.slow else 4_000
        return int(dice.expovariate(1 / usual_us)) + 100


# What the master does about doubt.
NO_RULE = 0
ONE_LENGTH = 1
REFUSALS_TRUSTED = 2
WHOLE_RULE = 3


class Master:
    """Asks the units at random, by one of the rules above."""

    def __init__(self, seed: int, rule: int) -> None:
        self._dice = random.Random(seed)
        self._rule = rule
        self.line = Line(self._dice)
        self.link = RtuLink(self.line, self.line.micros, gap_us=5000)
        self._doubtful = dict.fromkeys(UNITS, True)
        self._turn = dict.fromkeys(UNITS, 0)
        self._probes = {}
        self._requests = {}
        for unit in UNITS:
            times = ReplyTime(8, 30)
            self._probes[unit] = [read(unit, 0, count, times) for count in (3, 4)]
            self._requests[unit] = [
                *(read(unit, at, 5, times) for at in (0, 5)),
                read(unit, 20, 2, times),
                *(pdu.write_register(pdu.RTU, unit, 9, value, times) for value in (0, 1)),
                pdu.write_registers(pdu.RTU, unit, 9, [1, 2], times),
            ]
        self.accepted = 0

    def ask(self) -> bool:
        """One request; whether its answer, if it was taken, really was its own."""
        unit = UNITS[self._dice.random() < 0.15]
        probing = self._doubtful[unit] and self._rule != NO_RULE
        request = self._dice.choice(self._requests[unit])
        if probing:
            request = self._probes[unit][self._turn[unit]]
        while self.link.state != IDLE:
            assert self.link.step(self.line.ticks()) == NOTHING
            self._pass_time()
        self.link.send(request, self.line.ticks())
        event = NOTHING
        while event == NOTHING:
            event = self.link.step(self.line.ticks())
            if event == NOTHING:
                self._pass_time()
        if event == REPLY:
            self._doubtful[unit] = False
        elif not (event == REFUSED and self._rule == REFUSALS_TRUSTED):
            if not self._doubtful[unit] and self._rule != ONE_LENGTH:
                self._turn[unit] ^= 1
            self._doubtful[unit] = True
        if event != REPLY or probing:
            return True
        self.accepted += 1
        return self.line.heard[-request.expected :] == [self.line.serial] * request.expected

    def _pass_time(self) -> None:
        wait_us = self.link.wait_us(self.line.ticks())
        self.line.now_us += min(max(wait_us, 1), self._dice.randrange(100, 3000))


def read(unit: int, address: int, count: int, times: ReplyTime) -> pdu.Request:
    return pdu.read_request(pdu.RTU, unit, pdu.READ_HOLDING_REGISTERS, address, count, times)


def history(seed: int, rule: int) -> tuple[int, int]:
    """(answers taken, those that belonged to another request) of one random history."""
    master = Master(seed, rule)
    wrong = sum(not master.ask() for _ in range(REQUESTS))
    return master.accepted, wrong


def test_no_answer_is_ever_taken_for_anothers() -> None:
    taken = 0
    for seed in range(HISTORIES):
        accepted, wrong = history(seed, WHOLE_RULE)
        taken += accepted
        assert wrong == 0, f"history {seed}"
    assert taken > 5 * HISTORIES


@pytest.mark.parametrize("rule", [NO_RULE, ONE_LENGTH, REFUSALS_TRUSTED])
def test_without_any_part_of_the_rule_it_happens(rule: int) -> None:
    assert any(history(seed, rule)[1] for seed in range(30_000))
