import json
import unittest

from config_edits import changed, refusal
from sample_site import settings, tree

from gateway import config
from gateway.config.rules import LEVELS, NAMES, NONE, REACTIONS, RULES
from gateway.errors import ConfigError


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
        names = sorted(list(NAMES) + ["cell_undervoltage_cold"])
        limits = settings().limits
        self.assertEqual(sorted([name for name, levels in limits.items() if any(levels)]), names)
        self.assertRaises(KeyError, lambda: limits["no_such_rule"])
        self.assertIsNone(limits.get("no_such_rule"))
        for rule in names:
            entries = tree()
            del entries["limits"][rule]
            self.assertIn("limits." + rule, refusal(entries))


class RefuseTest(unittest.TestCase):
    # (entry, bad value, what the refusal must name)
    BAD = (
        ("schema", 1, "schema"),
        ("schema", None, "schema"),
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
        (
            "limits.cell_overvoltage.l3.set",
            3599,
            "l3: 3599 after 1000 ms must be set beyond l2, 3600 after",
        ),
        (
            "limits.cell_overvoltage.l3.set",
            3600,
            "l3: 3600 after 1000 ms must be set beyond l2, 3600",
        ),
        (
            "limits.cell_overvoltage.l3.clear",
            3650,
            "l3.clear: 3650, with set 3650 it needs at most 3640 mV",
        ),
        ("limits.cell_undervoltage.l3.set", 2499, "limits.cell_undervoltage.l3.set"),
        (
            "limits.cell_undervoltage.l2.set",
            2950,
            "cell_undervoltage.l2: 2950 after 2000 ms must be set",
        ),
        ("limits.cell_undervoltage.l1.clear", 2900, "needs at least 2910 mV"),
        ("limits.rack_overvoltage.l3.set", 15000, "limits.rack_overvoltage.l3.set"),
        ("limits.discharge_overcurrent.l3.set", 2100, "204.1 A or 1.3 x discharge_current_da"),
        (
            "limits.charge_overtemperature.l2.delay_ms",
            -1,
            "limits.charge_overtemperature.l2.delay_ms",
        ),
        ("limits.charge_overtemperature.l2", {"set": 550}, "limits.charge_overtemperature.l2"),
        ("poll.summary_period_ms", 1000, "below two summary periods"),
        ("limits.comm_loss.l2.clear", 1099, "limits.comm_loss.l2.clear: below 1100 ms"),
        ("limits.comm_loss.l3.delay_ms", 1, "limits.comm_loss.l3.delay_ms"),
        ("limits.cell_overvoltage.l3.delay_ms", 5001, "limits.cell_overvoltage.l3.delay_ms"),
        ("limits.rack_overvoltage.l3.set", 7593, "3.65 V per cell"),
        ("limits.cell_undervoltage_cold.l3.set", 1999, "limits.cell_undervoltage_cold.l3.set"),
        ("limits.cell_undervoltage_cold.l3.set", 2550, "cell_undervoltage_cold"),
        ("limits.deep_discharge.l1", {}, "limits.deep_discharge.l1: this rule has no such level"),
        ("limits.deep_discharge.l4", {}, "limits.deep_discharge.l4: no such level"),
        ("limits.cell_overvoltage.l1.delay_ms", 199, "below two sample periods, 200 ms"),
        ("limits.cell_overvoltage.l1.clear", 3491, "needs at most 3490 mV"),
        ("limits.charge_peak_current.l3.set", 6595, "659.4 A or 2.1 x capacity_dah"),
        ("limits.charge_undertemperature.l2.set", -1, "limits.charge_undertemperature.l2.set"),
        ("limits.charge_overtemperature.l3.set", 601, "limits.charge_overtemperature.l3.set"),
        ("limits.rack_undervoltage.l3.set", 5199, "2.5 V per cell"),
        ("limits.insulation.l3.set", 73, "100 ohm per volt, 74 kOhm"),
        ("limits.bad_cells.l2.delay_ms", 0, "bad_cells.l2: 1 after 0 ms must be set beyond l1, 1"),
        ("capacity_dah", 1569, "charge_current_da: above 1569, that is 156.9 A or 1000/1000 C of"),
        ("charge_rate_pm", 499, "charge_current_da: above 1566, that is 156.6 A or 499/1000 C of"),
        ("discharge_rate_pm", 499, "discharge_current_da: above 1566, that is 156.6 A or 499"),
        ("charge_rate_pm", 1001, "charge_rate_pm: 1001 is outside 10..1000"),
        ("curves.charge_by_cell_max_mv", [[3450, 1000]], "curves.charge_by_cell_max_mv"),
        ("curves.charge_by_cell_max_mv", [[3450, 1000], [3650, 1]], "must end at 0"),
        ("curves.charge_by_cell_max_mv", [[3450, 1000], [3660, 0]], "cell_overvoltage trips"),
        ("curves.charge_by_cell_max_mv", [[3450, 1000], [3450, 0]], "values must rise"),
        ("curves.charge_by_cell_max_mv", [[3450, 1001], [3600, 0]], "outside 0..1000"),
        ("curves.discharge_by_cell_min_mv", [[2400, 0], [3000, 1000]], "cell_undervoltage trips"),
        ("curves.by_moon", [[1, 0], [2, 0]], "curves.by_moon: no such curve"),
        ("inputs", {}, "inputs: needs a list"),
        ("inputs.0.role", "doorbell", "inputs[0].role"),
        ("inputs.0.number", 32, "inputs[0].number"),
        (
            "inputs",
            [{"name": "e", "number": 1, "role": "estop", "alarm_level": 1}],
            "estop needs 0",
        ),
        ("outputs.site_relay", 1, "outputs.site_relay: relay 1 is the trip relay of rack02"),
        ("limits.smoke.l3.set", 3, "limits.smoke.l3.set: must be 2"),
        ("limits.gas.l1.set", 2, "limits.gas.l1.set: must be 1"),
        ("limits.cell_overvoltage.l1.delay_ms", 120001, "limits.cell_overvoltage.l1.delay_ms"),
        ("limits.comm_loss.l3.clear_delay_ms", 4999, "limits.comm_loss.l3.clear_delay_ms"),
        ("limits.charge_overcurrent.l3.clear_delay_ms", 0, "charge_overcurrent.l3.clear_delay_ms"),
        (
            "curves.charge_by_cell_max_mv",
            [[3450, 1000], [3649, 1000], [3650, 0]],
            "grants 1000 at 3600, where cell_overvoltage stops",
        ),
        ("derate_l1_pm", 801, "derate_l1_pm"),
        (
            "inputs",
            [{"name": "r", "number": 1, "role": "reset", "alarm_level": 0}],
            "reset needs 1",
        ),
        ("derating.rise_da_per_s", 51, "derating.rise_da_per_s"),
        ("uplink.password", "secret", "uplink.user"),
        ("log_level", "loud", "log_level"),
    )

    def test_each_bad_entry_is_named(self):
        for path, value, named in self.BAD:
            with self.subTest(path=path, value=value):
                self.assertIn(named, refusal(changed(path, value)))

    def test_what_counts_as_fresh_is_not_old(self):
        entries = changed("limits.comm_loss.l2.set", 4000)
        entries["limits"]["comm_loss"]["l1"]["set"] = 3000
        config.load(json.dumps(entries))
        entries["limits"]["comm_loss"]["l1"]["set"] = 3001
        self.assertIn("limits.comm_loss.l1.set: above 3000 ms", refusal(entries))

    def test_every_level_of_every_rule_is_checked(self):
        # whatever the rule: beyond its bounds, on the wrong side, out of order, without a part
        for row in RULES:
            for index in range(3):
                if row[REACTIONS][index] == NONE:
                    continue
                where = "limits.%s.%s" % (row[0], LEVELS[index])
                for key, value in (
                    ("set", row[4] + 1), ("set", row[3] - 1), ("clear", None), ("delay_ms", -1),
                    ("clear_delay_ms", "5"),
                ):  # fmt: skip
                    with self.subTest(where=where, key=key):
                        entries = changed("%s.%s" % (where, key), value)
                        self.assertIn(where, refusal(entries))
                entries = tree()
                del entries["limits"][row[0]][LEVELS[index]]
                self.assertIn(where, refusal(entries))

    def test_two_relays_of_the_site_may_not_be_one(self):
        entries = changed("outputs.ventilation_relay", 3)
        entries["outputs"]["suppression_relay"] = 3
        self.assertIn(
            "outputs.suppression_relay: relay 3 is outputs.ventilation_relay", refusal(entries)
        )

    def test_the_checksum_is_that_of_the_text(self):
        text = json.dumps(tree())
        self.assertEqual(config.load(text).crc, config.load(text).crc)
        self.assertTrue(config.load(text).crc != config.load(text + " ").crc)

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
            (("racks", 0, "host"), "10.0.0.1", "racks[0]: has a bus and a host"),
            (("racks", 0, "bus"), "rs485-2", "racks[0].bus: no bus"),
            (("racks", 0, "unit"), 0, "racks[0].unit"),
            (("racks", 0, "port"), 502, "racks[0].port: no such setting"),
            (("racks", 1, "unit"), 1, "same bus or host, port, unit and position"),
        )
        for (table, index, key), value, named in bad:
            with self.subTest(key=key, value=value):
                entries = self.serial_tree()
                entries[table][index][key] = value
                self.assertIn(named, refusal(entries))
        entries = self.serial_tree()
        del entries["buses"][0]["baud"]
        self.assertIn("buses[0].baud: missing", refusal(entries))
        entries = self.serial_tree()
        entries["buses"].append(entries["buses"][0])
        self.assertIn("same name", refusal(entries))
        self.assertIn("same uart", refusal(entries))

    def test_positions_tell_racks_of_one_unit_apart(self):
        entries = self.serial_tree()
        entries["racks"][1]["unit"] = 1
        entries["racks"][1]["position"] = 1
        self.assertEqual(config.load(json.dumps(entries)).racks[1].position, 1)

    def test_tls_needs_an_authority_and_a_certificate_its_key(self):
        entries = changed("uplink.tls", 1)
        entries["uplink"]["key_file"] = "device.key.pem"
        text = refusal(entries)
        self.assertIn("uplink.ca_file: needed with uplink.tls", text)
        self.assertIn("uplink.cert_file, uplink.key_file: one needs the other", text)
        entries["uplink"]["ca_file"] = "ca.pem"
        entries["uplink"]["cert_file"] = "device.pem"
        config.load(json.dumps(entries))

    def test_a_record_and_a_message_must_hold_the_worst_of_a_rack(self):
        entries = changed("uplink.batch_bytes", 2048)
        entries["cells_per_rack"] = 800
        entries["temps_per_rack"] = 200
        self.assertIn("uplink.batch_bytes: 3680 needed", refusal(entries))
        entries["temps_per_rack"] = 300
        self.assertIn("cells_per_rack: more than 1091 with temps_per_rack", refusal(entries))

    def test_the_share_of_the_events_must_hold_four_files(self):
        entries = changed("telemetry.capacity_bytes", 1048576)
        self.assertIn("telemetry.segment_bytes: above 65536, a quarter of", refusal(entries))
        entries["telemetry"]["segment_bytes"] = 65536
        config.load(json.dumps(entries))
        entries["telemetry"]["events_pm"] = 249
        self.assertIn("telemetry.segment_bytes: above 65273", refusal(entries))

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
