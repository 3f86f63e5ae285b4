"""The closing decision: the time after the start, each condition alone, the voltage window."""

import unittest

from view_stub import ViewStub

from gateway.clock import add
from gateway.outputs.closing import (
    BUS_UNDER_LOAD,
    CLOSE,
    NO_DATA,
    NO_PERMIT,
    NOT_ARMED,
    OPENING,
    REASONS,
    STILL_CLOSED,
    STOPPED,
    TRIPPED,
    VOLTAGE_APART,
    VOLTAGE_UNKNOWN,
    Closing,
    ClosingRules,
)
from gateway.rack.data import ABSENT

ARM_MS = 10000
BOOT = 0x3FFFFFF0


class Site:
    def __init__(self, racks=3, shared=True):
        self.views = [ViewStub(13312) for _ in range(racks)]
        for view in self.views:
            view.reads_closed = False
        self.energised = bytearray(racks + 3)  # outputs of the site follow in the same bank
        rules = ClosingRules(ARM_MS, shared, 30)
        self.closing = Closing(rules, self.views, self.energised, BOOT)
        self.now = BOOT

    def pass_ms(self, duration_ms):
        self.now = add(self.now, duration_ms)
        self.closing.step(self.now)

    def ask(self, rack=0, **changes):
        conditions = {
            "permit": True, "tripped": False, "opening": False, "stopped": False, "starting": False
        }  # fmt: skip
        conditions.update(changes)
        may = self.closing.decide(rack, **conditions)
        self.assert_agrees(rack, may)
        return self.closing.reasons[rack]

    def assert_agrees(self, rack, may):
        if may != (self.closing.reasons[rack] == CLOSE):
            raise AssertionError("answer and reason disagree")


def armed(**how):
    site = Site(**how)
    site.pass_ms(ARM_MS)
    return site


class ArmTest(unittest.TestCase):
    def test_nothing_closes_in_the_time_after_the_start(self):
        site = Site()
        self.assertEqual(site.ask(), NOT_ARMED)
        site.pass_ms(ARM_MS - 1)
        self.assertEqual(site.ask(), NOT_ARMED)
        site.pass_ms(1)
        self.assertEqual(site.ask(), CLOSE)

    def test_armed_once_is_armed_for_good(self):
        site = armed()
        for _ in range(20):
            site.pass_ms(1 << 28)
        self.assertEqual(site.ask(), CLOSE)


# Each condition of the decision with the others held so that it alone decides: (what, how the
# site is made, the two values, answer to each).
def _other(view_changes, energised=1):
    def prepare(site):
        site.energised[1] = energised
        for name in view_changes:
            setattr(site.views[1], name, view_changes[name])

    return prepare


def _own_stale(site):
    site.views[0].lose()


def _nothing(site):
    pass


PAIRS = (
    # name, preparation common to both, conditions on one side, on the other, reasons
    ("permit", _nothing, {"permit": True}, {"permit": False}, (CLOSE, NO_PERMIT)),
    ("tripped", _nothing, {"tripped": False}, {"tripped": True}, (CLOSE, TRIPPED)),
    ("opening", _nothing, {"opening": False}, {"opening": True}, (CLOSE, OPENING)),
    ("stopped", _nothing, {"stopped": False}, {"stopped": True}, (CLOSE, STOPPED)),
    ("starting, not fresh", _own_stale, {"starting": True}, {"starting": False}, (CLOSE, NO_DATA)),
)
VIEW_PAIRS = (
    # name, rack whose view differs, one side, the other, common to both (rack 1), reasons
    ("fresh, not starting", 0, {}, {"fresh": False}, {}, (CLOSE, NO_DATA)),
    ("contactor not closed yet", 0, {}, {"reads_closed": True}, {}, (CLOSE, STILL_CLOSED)),
    ("own voltage known", 0, {}, {"voltage_dv": ABSENT}, {}, (CLOSE, VOLTAGE_UNKNOWN)),
    ("its voltage known", 1, {}, {"voltage_dv": ABSENT}, {}, (CLOSE, VOLTAGE_UNKNOWN)),
    ("3.0 V above", 1, {"voltage_dv": 13342}, {"voltage_dv": 13343}, {}, (CLOSE, VOLTAGE_APART)),
    ("3.0 V below", 1, {"voltage_dv": 13282}, {"voltage_dv": 13281}, {}, (CLOSE, VOLTAGE_APART)),
    ("at rest", 1, {"at_rest": True}, {"at_rest": False}, {}, (CLOSE, BUS_UNDER_LOAD)),
    ("load not known", 1, {"known": False, "at_rest": False}, {"at_rest": False}, {},
     (CLOSE, BUS_UNDER_LOAD)),
    ("1.0 V and cold", 1, {"voltage_dv": 13322}, {"voltage_dv": 13323}, {"cold": True},
     (CLOSE, VOLTAGE_APART)),
    ("2.0 V, itself cold", 0, {"cold": False}, {"cold": True}, {"voltage_dv": 13332},
     (CLOSE, VOLTAGE_APART)),
)  # fmt: skip


class EachConditionAloneTest(unittest.TestCase):
    def test_of_the_rack_and_the_site(self):
        for name, prepare, one, other, reasons in PAIRS:
            with self.subTest(name=name):
                answers = []
                for conditions in (one, other):
                    site = armed()
                    prepare(site)
                    answers.append(site.ask(**conditions))
                self.assertEqual(tuple(answers), reasons)

    def test_of_the_voltage_window(self):
        for name, rack, one, other, common, reasons in VIEW_PAIRS:
            with self.subTest(name=name):
                answers = []
                for changes in (one, other):
                    site = armed()
                    _other(common)(site)
                    for key in changes:
                        setattr(site.views[rack], key, changes[key])
                    answers.append(site.ask())
                self.assertEqual(tuple(answers), reasons)

    def test_armed(self):
        early, late = Site(), Site()
        early.pass_ms(ARM_MS - 1)
        late.pass_ms(ARM_MS)
        self.assertEqual((early.ask(), late.ask()), (NOT_ARMED, CLOSE))

    def test_the_other_rack_is_closed(self):
        answers = []
        for energised in (0, 1):
            site = armed()
            _other({"voltage_dv": 14000}, energised)(site)
            answers.append(site.ask())
        self.assertEqual(answers, [CLOSE, VOLTAGE_APART])

    def test_the_bus_is_shared(self):
        answers = []
        for shared in (False, True):
            site = armed(shared=shared)
            _other({"voltage_dv": 14000})(site)
            answers.append(site.ask())
        self.assertEqual(answers, [CLOSE, VOLTAGE_APART])


class VoltageWindowTest(unittest.TestCase):
    def test_current_in_any_joined_rack_counts(self):
        for flowing in (1, 2):
            site = armed()
            site.energised[1] = site.energised[2] = 1
            site.views[flowing].at_rest = False
            self.assertEqual(site.ask(), BUS_UNDER_LOAD)

    def test_a_closed_relay_whose_contactor_is_still_open_is_judged_too(self):
        site = armed()
        site.energised[0] = site.energised[1] = 1
        self.assertTrue(site.closing.still_fits(0))
        site.views[1].voltage_dv = 13400
        self.assertFalse(site.closing.still_fits(0))
        self.assertEqual(site.closing.reasons[0], VOLTAGE_APART)

    def test_a_stall_begins_the_time_without_closing_anew(self):
        site = armed()
        site.closing.disarm(site.now)
        site.pass_ms(ARM_MS - 1)
        self.assertEqual(site.ask(), NOT_ARMED)
        site.pass_ms(1)
        self.assertEqual(site.ask(), CLOSE)

    def test_current_in_an_open_rack_does_not_count(self):
        site = armed()
        site.energised[1] = 1
        site.views[2].at_rest = False
        self.assertEqual(site.ask(), CLOSE)

    def test_the_farthest_of_several_decides(self):
        for far in (1, 2):
            site = armed()
            site.energised[1] = site.energised[2] = 1
            site.views[far].voltage_dv = 13600
            self.assertEqual(site.ask(), VOLTAGE_APART)

    def test_its_own_relay_is_no_other_rack(self):
        site = armed()
        site.energised[0] = 1
        site.views[0].voltage_dv = 14000
        self.assertEqual(site.ask(), CLOSE)
        site = armed()
        site.energised[0] = site.energised[1] = 1
        site.views[0].at_rest = False
        self.assertEqual(site.ask(), CLOSE)

    def test_a_starting_rack_closes_alone_but_not_onto_others(self):
        site = armed()
        site.views[0].lose()
        self.assertEqual(site.ask(starting=True), CLOSE)
        site.energised[2] = 1
        self.assertEqual(site.ask(starting=True), VOLTAGE_UNKNOWN)


class OrderOfReasonsTest(unittest.TestCase):
    def test_the_gravest_is_told(self):
        site = armed()
        site.views[0].lose()
        worst = {"permit": False, "tripped": True, "opening": True, "stopped": True}
        self.assertEqual(site.ask(**worst), STOPPED)
        worst["stopped"] = False
        self.assertEqual(site.ask(**worst), TRIPPED)
        worst["tripped"] = False
        self.assertEqual(site.ask(**worst), NO_PERMIT)
        worst["permit"] = True
        self.assertEqual(site.ask(**worst), OPENING)
        worst["opening"] = False
        self.assertEqual(site.ask(**worst), NO_DATA)

    def test_every_reason_has_a_text_and_is_kept_per_rack(self):
        texts = (
            (CLOSE, "may close"),
            (NOT_ARMED, "not armed yet"),
            (STOPPED, "site is stopped"),
            (NO_PERMIT, "no permit"),
            (TRIPPED, "tripped, needs a reset"),
            (OPENING, "its opening is not over"),
            (NO_DATA, "no fresh data"),
            (VOLTAGE_UNKNOWN, "voltage of a rack unknown"),
            (BUS_UNDER_LOAD, "other racks carry current"),
            (VOLTAGE_APART, "voltage differs too much"),
            (STILL_CLOSED, "its contactor reads closed already"),
        )
        self.assertEqual([number for number, _ in texts], list(range(len(texts))))
        self.assertEqual(tuple([text for _, text in texts]), REASONS)
        site = armed()
        site.ask(0, permit=False)
        site.ask(1)
        self.assertEqual(list(site.closing.reasons), [NO_PERMIT, CLOSE, NOT_ARMED])


if __name__ == "__main__":
    unittest.main()
