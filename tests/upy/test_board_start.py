"""The start of each board in the field: relays before anything that can fail, whatever fails."""

import asyncio
import gc
import os
import unittest

from fake_i2c_lines import BitI2c, Lines, Reset
from fake_port import CLOCK, EXPANDER, PORT, Pin, load_board, run_boot

from gateway import app
from gateway.northbound.safe_mode import SafeMode

WAVESHARE = "waveshare_esp32s3_eth_8di_8ro"
OPTA = "arduino_opta"
OLIMEX = "olimex_esp32_poe_iso"
BOARDS = (WAVESHARE, OPTA, OLIMEX)
GPIO_RELAYS = {OPTA: ("RELAY_1", "RELAY_2", "RELAY_3", "RELAY_4"), OLIMEX: (32, 33)}
LINES = {WAVESHARE: 1, OPTA: 3, OLIMEX: 1}
RELAYS = {WAVESHARE: 8, OPTA: 4, OLIMEX: 2}
INPUTS = {WAVESHARE: 8, OPTA: 4, OLIMEX: 3}
HAVE_PARTITION = (WAVESHARE, OLIMEX)
LEVELS = ("i2c", EXPANDER, b"\x01\x00")
BUS_PINS = (41, 42)


def deaf_bus():
    PORT.i2c.deaf = 1000000


def no_expander():
    del PORT.i2c.chips[EXPANDER]


def no_clock_chip():
    del PORT.i2c.chips[CLOCK]


def no_ethernet_chip():
    PORT.lan_error = OSError("esp_eth_driver_install failed with invalid argument")


def wrong_ethernet():
    PORT.lan_error = ValueError("invalid phy type")


def no_partition():
    PORT.partitions.clear()


def dead_flash():
    PORT.partitions["data"].dead = True


def damaged_board_file():
    write_board_file(b'{"address": "192.16')


def write_board_file(content):
    with open("config/board.json", "wb") as file:
        file.write(content)


FAULTS = (
    deaf_bus,
    no_expander,
    no_clock_chip,
    no_ethernet_chip,
    wrong_ethernet,
    no_partition,
    dead_flash,
    damaged_board_file,
)


def empty(folder):
    for entry in os.ilistdir(folder):
        path = folder + "/" + entry[0]
        if entry[1] == 0x4000:
            empty(path)
            os.rmdir(path)
        else:
            os.remove(path)


class BoardStartTest(unittest.TestCase):
    def setUp(self):
        self.home = os.getcwd()
        self.folder = "/tmp/board_start_%d" % (os.urandom(1)[0] << 8 | os.urandom(1)[0])
        os.mkdir(self.folder)
        os.chdir(self.folder)
        os.mkdir("config")
        self.new_unit()

    def tearDown(self):
        os.chdir(self.home)
        empty(self.folder)
        os.rmdir(self.folder)
        gc.threshold(-1)

    def new_unit(self):
        """Relays are what the life before left: an expander keeps them closed."""
        PORT.reset()
        PORT.expander.registers[:] = b"\x00\xff\x00\x00"
        empty("config")

    def start(self, name):
        return load_board(name).Board()

    def energised(self, name):
        if name == WAVESHARE:
            return PORT.expander.relays
        return [PORT.pins[pin].level for pin in GPIO_RELAYS[name] if PORT.pins[pin].level]

    def assert_relays_were_first(self, name):
        if name == WAVESHARE:
            before = PORT.log[: PORT.log.index(LEVELS)]
            self.assertEqual([entry[:2] for entry in before if entry[1] not in BUS_PINS], [])
        else:
            first = [("pin", pin, Pin.OUT, 0) for pin in GPIO_RELAYS[name]]
            self.assertEqual(PORT.log[: len(first)], first)

    def test_relays_come_first(self):
        for name in BOARDS:
            self.new_unit()
            self.start(name)
            self.assert_relays_were_first(name)
            self.assertFalse(self.energised(name))

    def test_whatever_fails_relays_are_open_and_the_board_starts(self):
        for name in BOARDS:
            for fault in FAULTS:
                self.new_unit()
                fault()
                board = self.start(name)
                self.assert_relays_were_first(name)
                for number in range(board.relays.count):
                    board.relays.set(number, 0)
                if fault not in (deaf_bus, no_expander):
                    self.assertFalse(self.energised(name), (name, fault))

    def test_what_nobody_foresaw_comes_after_the_relays(self):
        for name in BOARDS:
            self.new_unit()
            PORT.lan_error = TypeError("never seen")
            with self.assertRaises(TypeError):
                self.start(name)
            self.assertFalse(self.energised(name))

    def test_faults_are_told(self):
        for name, fault, words in (
            (WAVESHARE, no_expander, "expander"),
            (WAVESHARE, no_ethernet_chip, "esp_eth_driver_install"),
            (WAVESHARE, no_partition, "no partition named data"),
            (OLIMEX, no_partition, "no partition named data"),
            (OLIMEX, dead_flash, "no data storage"),
            (OPTA, wrong_ethernet, "no network: invalid phy type"),
            (OPTA, damaged_board_file, "board.json"),
        ):
            self.new_unit()
            fault()
            board = self.start(name)
            self.assertEqual(len(board.problems), 1, board.problems)
            self.assertIn(words, board.problems[0])

    def test_a_whole_board_has_no_problem(self):
        for name in BOARDS:
            self.new_unit()
            board = self.start(name)
            self.assertEqual(board.problems, [])
            self.assertEqual(board.capabilities, ("tcp", "serial"))
            self.assertEqual(
                (board.relays.count, board.inputs.count), (RELAYS[name], INPUTS[name])
            )
            self.assertEqual(board.unique_id, "0102ab")
            self.assertEqual(board.rtc.read(), 0)

    def test_without_a_configuration_it_holds_still_in_safe_mode(self):
        for name in BOARDS:
            self.new_unit()
            running = app.build(self.start(name))
            self.assertTrue(isinstance(running, SafeMode))
            self.assertIn("config.json", running.status()["reason"])
            self.assertFalse(self.energised(name))

    def test_without_its_partition_it_refuses_to_run(self):
        for name in HAVE_PARTITION:
            self.new_unit()
            no_partition()
            running = app.build(self.start(name))
            self.assertIn("no partition named data", running.status()["reason"])

    def test_data_are_there_after_a_restart(self):
        for name in HAVE_PARTITION:
            self.new_unit()
            board = self.start(name)
            self.assertTrue(board.storage("data").formatted)
            with board.storage("data").open("latches", "wb") as file:
                file.write(b"kept")
            board = self.start(name)
            self.assertFalse(board.storage("data").formatted)
            with board.storage("data").open("latches", "rb") as file:
                self.assertEqual(file.read(), b"kept")

    def test_a_damaged_board_file_keeps_the_network_away(self):
        for name in BOARDS:
            self.new_unit()
            damaged_board_file()
            board = self.start(name)
            self.assertEqual(board.capabilities, ("serial",))
            self.assertFalse([entry for entry in PORT.log if entry[0] == "lan"])

    def test_a_fixed_address(self):
        for name in BOARDS:
            self.new_unit()
            write_board_file(b'{"address": "10.1.2.3/24"}')
            self.start(name)
            self.assertEqual(PORT.log[-1], ("lan address", {"addr4": "10.1.2.3/24"}))

    def test_w5500_gets_its_interrupt_pin(self):
        self.start(WAVESHARE)
        options = [entry[1] for entry in PORT.log if entry[0] == "lan"][0]
        self.assertEqual(options, ["cs", "int", "phy_addr", "phy_type", "reset", "spi"])

    def test_serial_line_and_no_other(self):
        for name in BOARDS:
            self.new_unit()
            board = self.start(name)
            port = board.uart(LINES[name], 9600, 0, 1)
            self.assertEqual((port.baud, port.char_bits), (9600, 11))
            with self.assertRaises(OSError):
                board.uart(LINES[name] + 1, 9600, None, 1)

    def test_opta_drives_the_line_only_while_it_sends(self):
        board = self.start(OPTA)
        port = board.uart(3, 115200, None, 1)
        direction = ("UART3_DE", "UART3_RE")  # the receiver stays on: its pin would float
        self.assertEqual([PORT.pins[pin].level for pin in direction], [0, 0])
        port.write(bytearray(8))
        self.assertEqual([port._uart.sent[0][1][pin] for pin in direction], [1, 0])
        while port.sending():
            pass
        self.assertEqual([PORT.pins[pin].level for pin in direction], [0, 0])

    def test_input_polarity_is_a_setting_of_the_waveshare(self):
        for content, expected in (
            (b'{"input_on_level": 0}', True),
            (b'{"input_on_level": 1}', False),
        ):
            self.new_unit()
            write_board_file(content)
            board = self.start(WAVESHARE)
            PORT.pins[4].level = 0
            self.assertEqual(board.inputs.get(0), expected)

    def test_inputs_of_the_waveshare_do_not_float(self):
        """A floating pin behind an opto-coupler would be an alarm loop that trips at random."""
        self.start(WAVESHARE)
        self.assertEqual([PORT.pins[pin].pull for pin in range(4, 12)], [Pin.PULL_UP] * 8)

    def test_dead_man_drops_what_a_silent_loop_left_closed(self):
        for name in (WAVESHARE, OPTA):
            self.new_unit()
            board = self.start(name)
            board.relays.set(1, 1)
            board.dead_man.toggle()
            self.assertTrue(self.energised(name))
            for _ in range(7):
                PORT.timers[0].fire()
            self.assertFalse(self.energised(name))

    def test_a_call_that_is_late_leaves_the_dead_man_his_timer(self):
        """Timers of one number are one object; this call was due when the board took it."""
        PORT.i2c.deaf = 10000
        run_boot(WAVESHARE)
        late = PORT.timers[0].options["callback"]
        PORT.i2c.deaf = 0
        board = load_board(WAVESHARE).Board()
        self.assertEqual(len(PORT.timers), 1)
        late(PORT.timers[0])
        board.dead_man.toggle()
        board.relays.set(0, 1)
        self.assertEqual(PORT.expander.relays, 1)
        for _ in range(7):
            PORT.timers[0].fire()
        self.assertEqual(PORT.expander.relays, 0)

    def test_olimex_pulses_for_a_supervisor_outside(self):
        board = self.start(OLIMEX)
        levels = []
        for _ in range(3):
            board.dead_man.toggle()
            levels.append(PORT.pins[16].level)
        self.assertEqual(levels, [1, 0, 1])

    def test_watchdog_begins_with_its_first_feed(self):
        for name in BOARDS:
            self.new_unit()
            watchdog = self.start(name).watchdog(2000)
            self.assertEqual(PORT.watchdogs, [])
            watchdog.feed()
            watchdog.feed()
            self.assertEqual([(each.timeout, each.fed) for each in PORT.watchdogs], [(2000, 2)])

    def test_the_processor_gets_its_date_from_the_chip(self):
        board = self.start(WAVESHARE)
        board.rtc.write(1795198830000)
        PORT.system_time = (2000, 1, 1, 5, 0, 0, 0, 0)
        self.assertEqual(board.rtc.read(), 1795198830000)
        self.assertEqual(PORT.system_time[:3], (2026, 11, 20))

    def test_tls_waits_for_a_measurement(self):
        for content, error in ((b"{}", 19), (b'{"tls": 1}', None)):
            self.new_unit()
            write_board_file(content)
            board = self.start(WAVESHARE)
            with self.assertRaises(OSError) as caught:
                asyncio.run(board.open_stream("127.0.0.1", 1, object()))
            if error is not None:
                self.assertEqual(caught.exception.errno, error)
            else:
                self.assertNotEqual(caught.exception.errno, 19)  # nobody listens there

    def test_it_never_stops_by_itself(self):
        board = self.start(OLIMEX)

        async def wait():
            await asyncio.wait_for(board.stopping(), 0.05)

        with self.assertRaises(asyncio.TimeoutError):
            asyncio.run(wait())


class BootFileTest(unittest.TestCase):
    """boot.py of the board whose relays outlive a reset."""

    def setUp(self):
        PORT.reset()
        PORT.expander.registers[:] = b"\x00\xff\x00\x00"

    def test_relays_drop_and_nothing_else_is_touched(self):
        run_boot(WAVESHARE)
        self.assertEqual(PORT.expander.relays, 0)
        self.assertEqual(PORT.expander.history, [0])
        self.assertEqual([e for e in PORT.log if e[0] == "pin" and e[1] not in BUS_PINS], [])

    def test_a_chip_at_power_up_closes_no_relay(self):
        PORT.expander.power_up()
        run_boot(WAVESHARE)
        self.assertEqual(PORT.expander.history, [])
        self.assertEqual(PORT.expander.registers[3], 0)
        self.assertEqual(PORT.expander.weak_writes, 2)  # its pull-ups hold no longer than must be

    def test_a_chip_that_does_not_answer_lets_the_start_go_on(self):
        no_expander()
        run_boot(WAVESHARE)
        PORT.reset()
        PORT.expander.registers[:] = b"\x00\xff\x00\x00"
        PORT.i2c.deaf = 4
        run_boot(WAVESHARE)
        self.assertEqual(PORT.expander.relays, 0)

    def test_a_drop_that_failed_is_repeated_until_it_succeeds(self):
        """Though nothing is started: no program can be loaded, or somebody is at the prompt."""
        PORT.i2c.deaf = 10000
        run_boot(WAVESHARE)
        self.assertEqual(PORT.expander.relays, 0xFF)
        PORT.timers[0].fire()
        PORT.i2c.deaf = 0
        PORT.timers[0].fire()
        self.assertEqual(PORT.expander.relays, 0)
        PORT.expander.registers[1] = 1
        PORT.timers[0].fire()
        self.assertEqual(PORT.expander.relays, 1)  # who orders now has the say

    def test_a_drop_that_succeeded_leaves_no_timer(self):
        run_boot(WAVESHARE)
        self.assertEqual(PORT.timers, [])

    def test_a_transfer_that_the_reset_cut_short(self):
        PORT.i2c.held = True
        PORT.i2c.scl._needed = 9
        run_boot(WAVESHARE)
        self.assertEqual(PORT.expander.relays, 0)

    def test_a_reset_at_any_edge_of_a_write_closes_no_relay(self):
        boot = run_boot(WAVESHARE)
        for sda_first in (False, True):
            at = 1
            while True:
                lines = Lines()
                i2c = BitI2c(lines)
                i2c.writeto(EXPANDER, b"\x01\x00")
                i2c.writeto(EXPANDER, b"\x03\x00")
                lines.sda_first = sda_first
                lines.cut = at
                try:
                    i2c.writeto(EXPANDER, b"\x01\x00")
                    break
                except Reset:
                    at += 1
                boot.free(lines.scl, lines.sda)
                self.assertEqual([value for value in lines.chip.latched if value], [])
                self.assertEqual(i2c.writeto(EXPANDER, b"\x01\x05"), 2)
                self.assertEqual(lines.chip.registers[1], 5)
            self.assertTrue(at > 50)


if __name__ == "__main__":
    unittest.main()
