"""Answers for the decoder out of registers by address, and golden frames that stand in files."""

import json

from gateway.rack.data import ABSENT, SUMMARY_FIELDS, RackData
from gateway.rack.register_map import RegisterMap

TESTS = __file__.rsplit("/", 3)[0]
GOLDEN = ("byd-c130", "generic-416s", "pylontech-powercube-m2", "soltaro-single-c", "sunspec-804")


def golden(name):
    """The golden frames of one map."""
    with open("%s/maps/golden/%s.json" % (TESTS, name)) as source:
        return json.loads(source.read())


def table(module_name):
    """A generated table by the name of its module."""
    package = __import__("gateway.rack.maps." + module_name)
    return getattr(package.rack.maps, module_name)


class RegisterFrames:
    """Registers by address; `answer` is how they would come in, behind `start` other bytes."""

    def __init__(self, source, cells, temps, hole_registers=125):
        self.map = RegisterMap(source, cells, temps, hole_registers)
        self.data = RackData(0, "rack", cells, temps, 1100, 0)
        self.registers = {}

    def put(self, address, text):
        """Registers as hexadecimal words."""
        for word in text.split():
            self.registers[address] = int(word, 16)
            address += 1

    def answer(self, block, start=9):
        """Bytes of the answer to `block`; what is not there reads 0."""
        frame = bytearray(start)
        for address in range(block.address, block.address + block.count):
            value = self.registers.get(address, 0) & 0xFFFF
            frame.append(value >> 8)
            frame.append(value & 0xFF)
        return frame

    def read_summary(self, acquired=1000):
        """A whole cycle; whether it was taken over."""
        for block in self.map.summary:
            self.map.stage(self.data, block, self.answer(block), 9)
        return self.map.commit(self.data, acquired)

    def read_arrays(self):
        """Every cell and sensor."""
        for block in self.map.cells + self.map.temps:
            self.map.decode_array(self.data, block, self.answer(block), 9)

    def read_details(self):
        """What is read in spare time."""
        for block in self.map.details:
            self.map.decode_detail(self.data, block, self.answer(block), 9)

    def identity(self):
        """The first problem that the identity shows."""
        problems = [
            self.map.identity_problem(self.data, block, self.answer(block), 9)
            for block in self.map.once
        ]
        return "".join(problems)

    def read_thresholds(self):
        """Limits set in the BMS, by name."""
        self.map.prepare(self.data)
        for block in self.map.thresholds:
            self.map.decode_thresholds(self.data, block, self.answer(block), 9)
        return dict(zip(self.map.threshold_names, self.data.thresholds))

    def summary(self):
        """The summary by name; None = not available."""
        return {
            name: _or_none(value) for name, value in zip(SUMMARY_FIELDS, list(self.data.summary))
        }

    def details(self):
        """The details by name; None = not available."""
        return {
            name: _or_none(value) for name, value in zip(self.map.detail_names, self.data.details)
        }


def _or_none(value):
    return None if value == ABSENT else value
