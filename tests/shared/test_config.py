import json
import unittest

from sample_site import settings, tree

from gateway import config
from gateway.errors import ConfigError


def refusal(entries):
    """The text a configuration is refused with; fails when it is accepted."""
    try:
        config.load(json.dumps(entries))
    except ConfigError as error:
        return str(error)
    raise AssertionError("accepted")


def changed(path, value):
    """The sample with one entry replaced; the path is dotted, numbers index lists."""
    entries = tree()
    node = entries
    parts = path.split(".")
    for part in parts[:-1]:
        if isinstance(node, list):
            node = node[int(part)]
        else:
            if part not in node:
                node[part] = {}
            node = node[part]
    node[parts[-1]] = value
    return entries


class AcceptTest(unittest.TestCase):
    def test_sample_is_accepted_with_defaults_filled_in(self):
        loaded = settings()
        self.assertEqual(loaded.integer("poll.summary_period_ms"), 500)
        self.assertEqual(loaded.integer("outputs.arm_delay_ms"), 10000)
        self.assertEqual(loaded.text("uplink.host"), "")
        self.assertEqual([rack.name for rack in loaded.racks], ["rack01", "rack02"])
        trip = loaded.limits["cell_overvoltage"][2]
        self.assertEqual((trip.set_point, trip.clear_point), (3650, 3450))
        self.assertEqual((trip.delay_ms, trip.clear_ms), (1000, 5000))

    def test_every_rule_of_the_table_must_be_there(self):
        self.assertEqual(sorted(settings().limits), sorted(config.RULE_NAMES))
        for rule in config.RULE_NAMES:
            entries = tree()
            del entries["limits"][rule]
            self.assertIn("limits." + rule, refusal(entries))


class RefuseTest(unittest.TestCase):
    # (entry, bad value, what the refusal must name)
    BAD = (
        ("schema", 2, "schema"),
        ("site", "", "site"),
        ("site", "a/b", "site"),
        ("gateway", "gw+1", "gateway"),
        ("gateway", 7, "gateway"),
        ("cells_per_rack", 0, "cells_per_rack"),
        ("cells_per_rack", "416", "cells_per_rack"),
        ("cells_per_rack", True, "cells_per_rack"),
        ("charge_current_da", 1.5, "charge_current_da"),
        ("poll.summary_period_ms", 50, "poll.summary_period_ms"),
        ("poll.reply_timeout_ms", 500, "poll.reply_timeout_ms"),
        ("poll.sumary_period_ms", 500, "poll.sumary_period_ms"),
        ("polls", {}, "polls"),
        ("poll", 5, "poll"),
        ("racks", [], "racks"),
        ("racks", None, "racks"),
        ("racks.1.name", "rack01", "same name"),
        ("racks.1.trip_relay", 0, "same trip_relay"),
        ("racks.1.port", 15020, "same bus or host"),
        ("racks.0.unit", 248, "racks[0].unit"),
        ("racks.0.host", "", "racks[0].host"),
        ("racks.0.host", "rack-bms.local", "racks[0].host"),
        ("racks.0.host", "10.0.0", "racks[0].host"),
        ("racks.0.host", "10.0.0.256", "racks[0].host"),
        ("racks.0.host", "10.0.0.-1", "racks[0].host"),
        ("racks.0.host", "010.0.0.1", "racks[0].host"),
        ("racks.0.host", "1.2.3.\u00b2", "racks[0].host"),
        ("watchdog_ms", None, "watchdog_ms"),
        ("watchdog_ms", 60000, "watchdog_ms"),
        ("map", "", "map"),
        ("temps_per_rack", 3000, "temps_per_rack"),
        ("uplink.host", "broker.example.org", "uplink.host"),
        ("uplink.host", 7, "uplink.host"),
        ("racks.0.extra", 1, "racks[0]"),
        ("limits.cell_overvolt", {}, "cell_overvolt"),
        ("limits.cell_overvoltage.l3.set", 3700, "limits.cell_overvoltage.l3.set"),
        ("limits.cell_overvoltage.l3.set", 3600, "l3 must be set beyond l2"),
        ("limits.cell_overvoltage.l3.clear", 3650, "safe side"),
        ("limits.cell_undervoltage.l3.set", 1900, "limits.cell_undervoltage.l3.set"),
        ("limits.cell_undervoltage.l2.set", 2950, "l2 must be set beyond l1"),
        ("limits.cell_undervoltage.l1.clear", 2900, "safe side"),
        ("limits.rack_overvoltage.l3.set", 15000, "limits.rack_overvoltage.l3.set"),
        ("limits.discharge_overcurrent.l3.set", 2100, "1.3 x discharge_current_da"),
        ("limits.overtemperature.l2.delay_ms", -1, "limits.overtemperature.l2.delay_ms"),
        ("limits.overtemperature.l2", {"set": 550}, "limits.overtemperature.l2"),
        ("poll.summary_period_ms", 1000, "below two summary periods"),
        ("limits.comm_loss.l2.clear", 1099, "limits.comm_loss.l2.clear: below 1100 ms"),
        ("limits.comm_loss.l3.delay_ms", 1, "limits.comm_loss.l3.delay_ms"),
        ("limits.cell_overvoltage.l3.delay_ms", 5001, "limits.cell_overvoltage.l3.delay_ms"),
        ("limits.rack_overvoltage.l3.set", 7593, "3.65 V per cell"),
        ("inputs.reset", -1, "inputs.reset"),
        ("uplink.password", "secret", "uplink.user"),
        ("log_level", "loud", "log_level"),
    )

    def test_each_bad_entry_is_named(self):
        for path, value, named in self.BAD:
            with self.subTest(path=path, value=value):
                self.assertIn(named, refusal(changed(path, value)))

    def serial_tree(self):
        entries = tree()
        entries["buses"] = [{"name": "rs485-1", "uart": 0, "baud": 115200, "frame": "8N1"}]
        entries["racks"] = [
            {"name": "rack%02d" % unit, "bus": "rs485-1", "unit": unit, "trip_relay": unit}
            for unit in (1, 2)
        ]
        return entries

    def test_racks_on_a_serial_line(self):
        loaded = config.load(json.dumps(self.serial_tree()))
        bus = loaded.buses[0]
        self.assertEqual((bus.baud, bus.parity, bus.stop), (115200, None, 1))
        self.assertEqual((bus.latency_ms, bus.reply_timeout_ms), (15, 200))
        self.assertEqual([rack.endpoint for rack in loaded.racks], [("rs485-1", "", 0)] * 2)

    def test_serial_lines_are_checked_too(self):
        bad = (
            (("buses", 0, "baud"), 300, "buses[0].baud"),
            (("buses", 0, "frame"), "7E1", "buses[0].frame"),
            (("buses", 0, "frame"), 8, "buses[0].frame"),
            (("buses", 0, "uart"), None, "buses[0].uart"),
            (("buses", 0, "speed"), 9600, "buses[0].speed: no such setting"),
            (("buses", 0, "reply_timeout_ms"), 2001, "buses[0].reply_timeout_ms"),
            (("buses", 0, "reply_timeout_ms"), 250, "limits.comm_loss.l1.clear: below 1250 ms"),
            (("racks", 0, "bus"), "rs485-2", "racks[0].bus: no bus"),
            (("racks", 0, "unit"), 0, "racks[0].unit"),
            (("racks", 0, "host"), "10.0.0.1", "racks[0].host: no such setting"),
            (("racks", 1, "unit"), 1, "same bus or host, port, unit and position"),
        )
        for (table, index, key), value, named in bad:
            with self.subTest(key=key, value=value):
                entries = self.serial_tree()
                entries[table][index][key] = value
                self.assertIn(named, refusal(entries))
        entries = self.serial_tree()
        entries["buses"].append(entries["buses"][0])
        self.assertIn("same name", refusal(entries))
        self.assertIn("same uart", refusal(entries))

    def test_positions_tell_racks_of_one_unit_apart(self):
        entries = self.serial_tree()
        entries["racks"][1]["unit"] = 1
        entries["racks"][1]["position"] = 1
        self.assertEqual(config.load(json.dumps(entries)).racks[1].position, 1)

    def test_a_message_must_hold_a_whole_cell_frame(self):
        entries = changed("uplink.batch_bytes", 2048)
        entries["cells_per_rack"] = 1024
        self.assertIn("uplink.batch_bytes: 2320 needed", refusal(entries))

    def test_all_problems_are_told_at_once(self):
        entries = changed("site", "")
        entries["cells_per_rack"] = 0
        text = refusal(entries)
        self.assertIn("site", text)
        self.assertIn("cells_per_rack", text)

    def test_what_is_not_json_is_refused(self):
        for text in ("", "{", "[]", "3", '"x"', "null", '{"schema": 1', "\x00\xff"):
            with self.subTest(text=text):
                with self.assertRaises(ConfigError):
                    config.load(text)


if __name__ == "__main__":
    unittest.main()
