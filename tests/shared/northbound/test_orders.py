"""What each order does, and what none of them may do."""

import json
import unittest

from fake_hardware import MemoryStorage
from order_bench import OrderBench
from rack_wire import CHARGE_LIMIT, DISCHARGE_LIMIT

from gateway.protection.latches import BY_SERVICE
from gateway.telemetry import records

RATING_DA = 1570
CELL_MAX = 0x000A


RESET = 0  # input
ALLOWED = {"acknowledge": 1}


class TakesNumbersOnly(MemoryStorage):
    """A flash that takes the number of a command and not the caps."""

    no_renames = True

    def rename(self, old, new):
        if self.no_renames:
            raise OSError(28)
        super().rename(old, new)


class LimitTest(unittest.TestCase):
    def written(self, bench, rack):
        site = bench.site
        return site.last_written(rack, CHARGE_LIMIT), site.last_written(rack, DISCHARGE_LIMIT)

    def test_a_cap_goes_from_the_signed_message_to_the_register_of_the_rack(self):
        bench = OrderBench().arm()
        self.assertEqual(self.written(bench, 0), (RATING_DA, RATING_DA))
        bench.site.wires[0].wanted_da = 1200
        bench.site.run_ms(5000)
        self.assertEqual(bench.site.wires[0].registers[0x0007], 1200)
        answer = bench.order("limit", rack="rack01", charge_da=400)
        self.assertEqual(
            answer,
            {
                "racks": [{"rack": "rack01", "charge_da": 400, "discharge_da": None}],
                "kept": True,
            },
        )
        bench.site.run_ms(1500)
        self.assertEqual(self.written(bench, 0), (400, RATING_DA))
        self.assertEqual(self.written(bench, 1), (RATING_DA, RATING_DA))  # not the other rack
        bench.site.run_ms(1500)
        self.assertEqual(bench.site.wires[0].registers[0x0007], 400)  # the converter obeys it
        self.assertEqual(bench.site.closed(), (1, 1))
        self.assertTrue(bench.events[0].startswith("limit {"))
        # and back again, by the ramp
        bench.order("limit", rack="rack01", charge_da=None)
        bench.site.run_ms(20000)
        self.assertEqual(self.written(bench, 0), (400, RATING_DA))
        bench.site.run_ms(170000, 50)
        self.assertEqual(self.written(bench, 0), (RATING_DA, RATING_DA))

    def test_a_cap_is_in_force_from_the_first_current_after_a_restart(self):
        bench = OrderBench()
        bench.order("limit", rack="all", discharge_da=0, charge_da=300)
        again = OrderBench(MemoryStorage(bench.storage.files)).arm()
        for rack in (0, 1):
            self.assertEqual(again.granted(rack), (300, 0))
            charges = [value for at, value in again.site.wires[rack].written if at == CHARGE_LIMIT]
            self.assertEqual(max(charges), 300)
            self.assertEqual(self.written(again, rack), (300, 0))

    def test_it_goes_no_higher_than_what_is_configured(self):
        bench = OrderBench()
        for value in (RATING_DA + 1, -1, 10**30, "400", "", "null"):
            refused = bench.order("limit", rack="rack01", charge_da=value)["refused"]
            self.assertEqual(
                refused,
                "charge: needs 0..157.0 A, the most is what is configured"
                " (charge_da: 0..1570, or null)",
            )
        self.assertEqual(bench.caps.of(0), (None, None))
        bench.order("limit", rack="rack01", charge_da=RATING_DA, discharge_da=0)
        self.assertEqual(bench.caps.of(0), (RATING_DA, 0))

    def test_one_direction_leaves_the_other_as_it_is(self):
        bench = OrderBench()
        bench.order("limit", rack="rack02", charge_da=100)
        bench.order("limit", rack="rack02", discharge_da=200)
        self.assertEqual(bench.caps.of(1), (100, 200))
        bench.order("limit", rack="rack02", charge_da=None)
        self.assertEqual(bench.caps.of(1), (None, 200))

    def test_many_racks_cost_the_flash_no_more_than_one(self):
        costs = []
        for rack in ("rack01", "all"):
            bench = OrderBench()
            before = bench.storage.operations
            bench.order("limit", rack=rack, charge_da=5)
            costs.append(bench.storage.operations - before)
        self.assertEqual(costs[0], costs[1])

    def test_a_rack_and_a_current_must_be_named(self):
        bench = OrderBench()
        for args, words in (
            ({"charge_da": 1}, "rack: needs all or rack01, rack02"),
            ({"rack": "rack03", "charge_da": 1}, "rack: needs"),
            ({"rack": None, "charge_da": 1}, "rack: needs"),
            ({"rack": 0, "charge_da": 1}, "rack: needs"),
            ({"rack": "all"}, "needs charge_da, discharge_da or both"),
            ({"rack": "all", "charge": 1}, "no such argument: charge"),
        ):
            self.assertIn(words, bench.order("limit", **args)["refused"])
        self.assertEqual((bench.caps.of(0), bench.caps.of(1)), ((None, None), (None, None)))

    def test_a_flash_that_forgets_it_is_told(self):
        bench = OrderBench()
        bench.order("status")
        limit, acts = bench.table["limit"]
        self.assertTrue(acts)
        bench.storage.dead = True
        answer = limit({"rack": "rack01", "charge_da": 5})
        self.assertEqual(answer["kept"], False)
        self.assertIn("not kept yet", answer["note"])
        self.assertEqual(bench.caps.of(0), (5, None))

    def test_the_event_of_one_that_is_not_on_flash_says_so(self):
        bench = OrderBench(TakesNumbersOnly())
        bench.order("limit", rack="rack01", charge_da=5)
        self.assertTrue(bench.events[0].endswith(": done, but not kept yet"), bench.events)
        bench.storage.no_renames = False
        bench.order("limit", rack="rack01", charge_da=6)
        self.assertTrue(bench.events[1].endswith(": done"), bench.events)


class AcknowledgeTest(unittest.TestCase):
    def tripped(self, registers):
        """Rack 1 tripped by these registers, and healthy again."""
        bench = OrderBench(commands=ALLOWED).arm()
        wire = bench.site.wires[0]
        before = {address: wire.registers[address] for address in registers}
        for address in registers:
            wire.registers[address] = registers[address]
        bench.site.run_ms(25000, 50)
        self.assertEqual(bench.site.closed(), (0, 1))
        return bench, wire, before

    def test_it_releases_what_the_operator_may_and_only_once_it_is_clear(self):
        bench, wire, before = self.tripped({CELL_MAX: 3700})
        answer = bench.order("acknowledge", rack="rack01")
        self.assertEqual(answer["racks"], {"rack01": "its condition still holds"})
        self.assertEqual(answer["refused"], "nothing released: rack01: its condition still holds")
        self.assertTrue(bench.events[-1].endswith(": refused: " + answer["refused"]))
        wire.registers.update(before)
        bench.site.run_ms(25000, 50)
        answer = bench.order("acknowledge", rack="all")
        self.assertEqual(answer, {"racks": {"rack01": "released", "rack02": "nothing to release"}})
        self.assertTrue(bench.events[-1].endswith(": done"), bench.events)
        bench.site.run_ms(5000)
        self.assertEqual(bench.site.closed(), (1, 1))
        self.assertEqual(
            bench.notes,
            [
                (records.RESET_REFUSED, 0, "from upstream: its condition still holds"),
                (records.RESET, 0, "from upstream: released"),
            ],
        )

    def test_where_nothing_is_latched_it_is_refused(self):
        bench = OrderBench(commands=ALLOWED).arm()
        answer = bench.order("acknowledge", rack="rack01")
        self.assertEqual(answer["refused"], "nothing released: rack01: nothing to release")
        answer = bench.order("acknowledge", rack="all")
        self.assertEqual(answer["refused"], "nothing released: rack01, rack02: nothing to release")
        done = bench.commands.status()
        self.assertEqual((done["done"], done["refused"], bench.notes), (0, 2, []))

    def test_of_several_racks_those_that_stay_latched_are_named(self):
        bench, wire, before = self.tripped({CELL_MAX: 3700})
        wire.registers.update(before)
        bench.site.wires[1].registers[CELL_MAX] = 3700
        bench.site.run_ms(25000, 50)
        answer = bench.order("acknowledge", rack="all")
        self.assertEqual(
            answer["racks"], {"rack01": "released", "rack02": "its condition still holds"}
        )
        self.assertFalse("refused" in answer)
        self.assertEqual(answer["but"], "rack02: its condition still holds")
        self.assertTrue(bench.events[-1].endswith(": done, but rack02: its condition still holds"))

    def test_unless_the_site_allows_it_no_relay_closes_with_nobody_there(self):
        bench = OrderBench().arm()
        wire = bench.site.wires[0]
        wire.registers[CELL_MAX] = 3700
        bench.site.run_ms(8000, 50)
        wire.registers[CELL_MAX] = 3300
        bench.site.run_ms(25000, 50)
        answer = bench.order("acknowledge", rack="rack01")
        self.assertIn("push the reset button on site", answer["refused"])
        bench.site.run_ms(20000, 50)
        self.assertEqual((bench.site.closed(), bench.notes), ((0, 1), []))

    def test_allowed_it_closes_nothing_that_does_not_fit(self):
        bench, wire, before = self.tripped({CELL_MAX: 3700})
        wire.registers.update(before)
        bench.site.run_ms(25000, 50)
        wire.registers[0x0006] += 200  # the voltage of the rack, off the others' by now
        bench.site.run_ms(5000, 50)
        bench.order("acknowledge", rack="rack01")
        bench.site.run_ms(20000, 50)
        self.assertEqual(bench.site.closed(), (0, 1))

    def test_it_is_never_the_service_key(self):
        bench, wire, before = self.tripped({0x000C: 1900})  # deep discharge
        wire.registers.update(before)
        bench.site.run_ms(120000, 50)
        answer = bench.order("acknowledge", rack="rack01")
        self.assertEqual(answer["refused"], "nothing released: rack01: needs service")
        self.assertEqual(bench.site.closed(), (0, 1))
        self.assertEqual(bench.site.reset(0, BY_SERVICE), 0)

    def test_it_never_releases_an_emergency_stop(self):
        bench = OrderBench(commands=ALLOWED).arm()
        bench.site.alarm(1)
        bench.site.run_ms(1000)
        bench.site.inputs.levels[1] = True
        bench.site.run_ms(20000, 10)
        answer = bench.order("acknowledge", rack="all")
        self.assertEqual(
            answer["refused"],
            "nothing released: rack01, rack02: nothing to release;"
            " the site's estop: push the reset button there",
        )
        bench.site.run_ms(20000, 10)
        self.assertEqual(bench.site.interlocks.latches.names(), ["estop"])
        self.assertEqual(bench.site.closed(), (0, 0))

    def test_a_rack_must_be_named(self):
        self.assertIn("rack: needs", OrderBench(commands=ALLOWED).order("acknowledge")["refused"])


class ProofTestTest(unittest.TestCase):
    def test_an_order_alone_moves_nothing(self):
        bench = OrderBench().arm()
        changes = bench.site.relays.changes
        answer = bench.order("prooftest", item="rack/rack01")
        self.assertEqual(answer["ordered"]["state"], "confirm")
        bench.order("acknowledge", rack="all")  # is no push on the button
        for _ in range(200):
            bench.site.run_ms(100, 50)
            bench.tests.step(bench.clock.ticks())
        self.assertEqual(bench.site.relays.changes, changes)
        self.assertEqual(bench.order("prooftest")["running"]["state"], "confirm")
        self.assertEqual(bench.order("prooftest", item="cancel"), {"withdrawn": "rack rack01"})

    def test_pushes_on_site_remain_resets_however_often_a_test_is_ordered(self):
        """The first push within its minute is the test's; there is one test in ten minutes."""
        bench = OrderBench()
        resets = []
        levels = bench.site.inputs.levels
        started_ms = bench.clock.uptime_ms()
        ordered = []
        while bench.clock.uptime_ms() < started_ms + 1500000:
            answer = bench.order("prooftest", item="input/reset")
            if "ordered" in answer:
                ordered.append(bench.clock.uptime_ms() - started_ms)
                levels[RESET] = True
                self.assertTrue(bench.tests.confirm(bench.clock.ticks()))  # the first push
                levels[RESET] = False
                for _ in range(5):
                    bench.tests.step(bench.clock.ticks())  # it is back: the test is over
                levels[RESET] = True
                resets.append(not bench.tests.confirm(bench.clock.ticks()))  # the second one
                levels[RESET] = False
            else:
                self.assertIn("one test in 10 minutes", answer["refused"])
            bench.order("prooftest", item="cancel")
            bench.tests.step(bench.clock.advance(30000))
        self.assertEqual((len(ordered), resets), (3, [True, True, True]))
        self.assertTrue(min(b - a for a, b in zip(ordered, ordered[1:])) >= 600000, ordered)

    def test_what_was_refused_and_what_only_asks_does_not_count_as_a_test(self):
        bench = OrderBench().arm()
        bench.order("prooftest", item="rack/x")
        bench.order("prooftest")
        self.assertTrue("ordered" in bench.order("prooftest", item="rack/rack01"))
        self.assertTrue("items" in bench.order("prooftest"))
        self.assertTrue("withdrawn" in bench.order("prooftest", item="cancel"))
        refused = bench.order("prooftest", item="rack/rack01")["refused"]
        self.assertIn("again in 600 s, or at the console", refused)
        self.assertTrue("ordered" in bench.tests.answer("rack/rack01"))  # on site

    def test_what_cannot_be_tested(self):
        bench = OrderBench()
        self.assertEqual(bench.order("prooftest", item="x")["refused"], "no such rack or input")
        self.assertIn("item: needs", bench.order("prooftest", item=7)["refused"])


class AskTest(unittest.TestCase):
    def test_the_site_at_a_glance_and_one_rack_whole(self):
        bench = OrderBench()
        answer = bench.order("status")
        self.assertEqual(answer["mode"], "mode")
        self.assertFalse("heap" in answer)
        self.assertEqual([rack[0] for rack in answer["racks"]], ["rack01", "rack02"])
        self.assertEqual(answer["of_each_rack"][0], "name")
        self.assertEqual(len(answer["racks"][0]), len(answer["of_each_rack"]))
        self.assertEqual(bench.order("status", rack="all"), answer)
        one = bench.order("status", rack="rack02")["rack"]
        self.assertEqual((one["name"], one["only_here"]), ("rack02", "only_here"))
        self.assertIn("rack: needs", bench.order("status", rack="rack9")["refused"])

    def test_the_latest_lines_that_fit(self):
        bench = OrderBench()
        self.assertEqual(bench.order("log")["log"], bench.lines)
        bench.lines = ["%03d" % number + "x" * 97 for number in range(40)]
        self.assertEqual(bench.order("log")["log"], bench.lines[-25:])
        bench.lines = ["y" * 5000]
        self.assertEqual(bench.order("log")["log"], [])

    def test_no_order_takes_an_argument_it_does_not_know(self):
        bench = OrderBench()
        for name in bench.table:
            answer = bench.order(name, **{"x": 1})
            self.assertIn("no such argument: x", answer["refused"])

    def test_answers_can_be_sent(self):
        bench = OrderBench()
        for name in sorted(bench.table):
            json.loads(json.dumps(bench.order(name)))

    def test_what_only_asks_is_told_from_what_acts(self):
        acting = sorted([name for name, row in OrderBench().table.items() if row[1]])
        self.assertEqual(acting, ["acknowledge", "limit", "prooftest"])


if __name__ == "__main__":
    unittest.main()
