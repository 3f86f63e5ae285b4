"""From the configuration to links, buses and pollers; and a line that cannot hold its periods."""

import json
import random
import unittest

from fake_hardware import HandClock
from sample_site import settings, tree

from gateway import config
from gateway.errors import ConfigError
from gateway.southbound import Southbound


class Port:
    def __init__(self, baud, char_bits):
        self.baud = baud
        self.char_bits = char_bits


class Clock(HandClock):
    def micros(self):
        return 0


class PaperBoard:
    def __init__(self, uarts=1):
        self.clock = Clock()
        self.random = random
        self.uarts = uarts
        self.opened = []

    def network(self):
        return None

    def uart(self, number, baud, parity, stop):
        if number >= self.uarts:
            raise OSError(19)
        self.opened.append((number, baud, parity, stop))
        return Port(baud, 9 + stop + (0 if parity is None else 1))


def line_settings(count, baud=115200, frame="8N1", uart=0, poll=None):
    """`count` racks of 416 cells on one serial line."""
    entries = tree(cells=416)
    entries["buses"] = [{"name": "line", "uart": uart, "baud": baud, "frame": frame}]
    entries["racks"] = [
        {"name": "rack%02d" % unit, "bus": "line", "unit": unit, "trip_relay": unit}
        for unit in range(1, count + 1)
    ]
    entries["poll"] = poll or {"scan_period_ms": 5500, "temp_period_ms": 22000}
    return config.load(json.dumps(entries))


def refusal(board, loaded):
    try:
        Southbound(board, loaded, 0)
    except ConfigError as error:
        return str(error)
    raise AssertionError("accepted")


class BusTest(unittest.TestCase):
    def test_racks_with_an_address_of_their_own_get_a_link_each(self):
        southbound = Southbound(PaperBoard(), settings(racks=3), 0)
        self.assertEqual(len(southbound.buses), 3)
        self.assertEqual([poller.data.name for poller in southbound.pollers][2], "rack03")

    def test_units_behind_one_converter_share_a_link(self):
        entries = tree(racks=3)
        entries["racks"][2]["port"] = entries["racks"][0]["port"]
        entries["racks"][2]["unit"] = 7
        southbound = Southbound(PaperBoard(), config.load(json.dumps(entries)), 0)
        names = [[poller.data.name for poller in bus.pollers] for bus in southbound.buses]
        self.assertEqual(names, [["rack01", "rack03"], ["rack02"]])
        self.assertEqual([poller.data.index for poller in southbound.pollers], [0, 1, 2])

    def test_racks_of_one_unit_share_its_health_and_lie_a_stride_apart(self):
        entries = tree(racks=2)
        entries["map"] = "pylontech_powercube_m2"
        entries["racks"][1]["port"] = entries["racks"][0]["port"]
        entries["racks"][1]["position"] = 1
        first, second = Southbound(PaperBoard(), config.load(json.dumps(entries)), 0).pollers
        self.assertTrue(first.health is second.health)
        frames = [bytes(poller.probe_request().frame) for poller in (first, second)]
        addresses = [frame[8] << 8 | frame[9] for frame in frames]
        self.assertEqual(addresses[1] - addresses[0], 0x0700)

    def test_only_racks_whose_summary_is_one_block_share_where_it_is_put_together(self):
        for name, shared in (("generic_416s", True), ("soltaro_single_c", False)):
            entries = tree(racks=2)
            entries["map"] = name
            southbound = Southbound(PaperBoard(), config.load(json.dumps(entries)), 0)
            first, second = [poller.data for poller in southbound.pollers]
            self.assertEqual(first.staging is second.staging, shared)
            self.assertFalse(first.summary is second.summary)

    def test_a_position_that_the_map_does_not_have_is_refused(self):
        entries = tree(racks=1)
        entries["racks"][0]["position"] = 1
        text = refusal(PaperBoard(), config.load(json.dumps(entries)))
        self.assertIn("rack01: position 1", text)

    def test_a_serial_line_is_opened_as_configured(self):
        board = PaperBoard()
        southbound = Southbound(board, line_settings(12), 0)
        self.assertEqual(board.opened, [(0, 115200, None, 1)])
        self.assertEqual(len(southbound.buses), 1)
        Southbound(board, line_settings(2, 57600, "8E1"), 0)
        self.assertEqual(board.opened[1], (0, 57600, 0, 1))

    def test_what_the_board_does_not_have_is_named(self):
        self.assertIn("line: uart 3", refusal(PaperBoard(), line_settings(2, uart=3)))


class TimeTest(unittest.TestCase):
    def test_a_line_that_cannot_hold_its_period_is_refused_with_the_numbers(self):
        text = refusal(PaperBoard(), line_settings(12, 9600))
        self.assertIn("bus line: 12 racks need 1068 ms", text)
        self.assertIn("every 500 ms", text)

    def test_cells_that_do_not_fit_are_refused(self):
        text = refusal(PaperBoard(), line_settings(12, 57600))
        self.assertIn("bus line: 12 racks leave 140 ms", text)

    def test_a_block_too_long_for_the_room_is_refused(self):
        poll = {"scan_period_ms": 60000, "temp_period_ms": 60000}
        text = refusal(PaperBoard(), line_settings(5, 9600, poll=poll))
        self.assertIn("reading a block takes", text)

    def test_fewer_racks_or_longer_periods_make_it_fit(self):
        Southbound(PaperBoard(), line_settings(6, 57600), 0)
        poll = {"scan_period_ms": 20000, "temp_period_ms": 60000}
        Southbound(PaperBoard(), line_settings(12, 57600, poll=poll), 0)


if __name__ == "__main__":
    unittest.main()
