"""Relays and limits of a run: what is kept of them, and what a scenario may expect."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from made_up_run import CROSSED_MS, END_MS, FAULTY, RELAY_MS, RELAYS_ON_MS, RULE, event, good_run

from gateway.telemetry import records as layout
from host_tools.decode.records import Event
from host_tools.errors import UserError
from host_tools.run import plan, scenario_file
from host_tools.run.driver import Driver
from host_tools.run.evidence import Evidence, Expected, Fault, Reached
from host_tools.run.rig import Rig
from host_tools.run.scenario import BEGIN, INPUT, Step
from host_tools.run.verdict import REACTION_MS, judge
from host_tools.simulate.fault_base import Moment
from host_tools.simulate.rack_faults import ReadingFault
from host_tools.simulate.truth import Change

SITE = "celestial-energy-835-690v-0.5c"


def failures(run: Evidence) -> str:
    return "\n".join(judge(run).failures)


def test_every_relay_contactor_and_limit_is_in_the_summary() -> None:
    run = good_run()
    run.site_relays = {"ventilation": [Change(7_000, True)]}
    run.racks[0].limit_changes = [(4_000, "charge_limit_da", 785)]
    outputs = judge(run).summary["outputs"]
    assert outputs["relays"]["ventilation"] == [[7_000, True]]
    assert outputs["relays"]["rack02"] == [[RELAYS_ON_MS, True], [RELAY_MS, False]]
    assert outputs["contactors"]["rack02"] == [[RELAYS_ON_MS + 1, True], [RELAY_MS + 1, False]]
    assert outputs["open_commands"] == {"rack01": [], "rack02": [RELAY_MS + 5], "rack03": []}
    assert outputs["limits"]["rack01"] == [[4_000, "charge_limit_da", 785]]


@pytest.mark.parametrize(
    ("name", "wanted", "good"),
    [
        ("rack01", True, True),
        ("rack02", True, False),
        ("rack02", False, True),
        ("ventilation", True, True),
        ("suppression", True, False),
        ("suppression", False, True),
        ("late", True, False),
    ],
)
def test_a_relay_counts_as_it_was_before_the_gateway_was_stopped(
    name: str, wanted: bool, good: bool
) -> None:
    run = good_run()
    run.site_relays = {
        "ventilation": [Change(7_000, True), Change(END_MS + 5, False)],
        "late": [Change(END_MS, True)],
    }
    run.expected = Expected(relays=[(name, wanted)])
    state = "off" if wanted else "on"
    assert (f"relay {name} is {state} at the end" in failures(run)) == (not good)
    assert bool(failures(run)) == (not good)


def test_an_opening_for_a_proof_test_is_no_trip_and_takes_no_reason_from_one() -> None:
    run = good_run()
    tested_ms = 7_000
    times = [(RELAYS_ON_MS, True), (tested_ms, False), (tested_ms + 300, True), (RELAY_MS, False)]
    run.racks[FAULTY].relay_changes = [Change(at_ms, on) for at_ms, on in times]
    assert "false trip" in failures(run)
    records = run.delivered.records
    for number, (at_ms, text) in enumerate(((tested_ms, "proof test"), (RELAY_MS, ""))):
        opened = replace(
            event(1, 5_000 + number, FAULTY, layout.RELAY_OPENED, RULE, 0, at_ms), text=text
        )
        records[opened.key] = opened
    (trip,) = judge(run).summary["trips"]
    assert (trip["rule"], trip["relay_ms"]) == (RULE, RELAY_MS)
    assert "trip" not in failures(run)


def test_one_of_several_rules_is_enough() -> None:
    run = good_run()
    run.faults = []
    run.expected = Expected(trips=[Reached(FAULTY, ("comm_loss", RULE), 3)])
    assert failures(run) == ""
    run.expected = Expected(trips=[Reached(FAULTY, ("comm_loss", "gas"), 3)])
    assert f"expected comm_loss or gas level 3: trip by {RULE} level 3" in failures(run)
    run.expected = Expected(
        trips=[Reached(FAULTY, (RULE,), 3)], levels=[Reached(FAULTY, ("gas", RULE), 3)]
    )
    assert failures(run) == ""


def test_a_fault_may_be_answered_by_another_rule_that_is_true_at_once() -> None:
    run = good_run()
    run.faults = [Fault(FAULTY, "comm_loss", others=(RULE,), crossed_ms=10_000)]
    assert failures(run) == ""
    run.faults = [Fault(FAULTY, "comm_loss", others=("gas",), crossed_ms=10_000)]
    assert f"trip recorded as {RULE} level 3, not comm_loss or gas" in failures(run)


def test_without_a_moment_of_crossing_only_the_trip_counts() -> None:
    run = good_run()
    run.faults = [Fault(FAULTY, RULE, timed=False)]
    assert failures(run) == ""
    run.faults = [Fault(FAULTY, RULE)]
    assert "the value never passed the limit" in failures(run)


def test_an_opening_in_stages_may_take_its_time_and_no_more() -> None:
    run = good_run()
    run.faults[0].crossed_ms = RELAY_MS - 1000 - REACTION_MS - 500
    assert f"wanted 0..{REACTION_MS}" in failures(run)
    run.opening_ms = 500
    assert failures(run) == ""
    run.racks[FAULTY].open_commands_ms = [RELAY_MS - 400]  # before the relay
    assert failures(run) == ""
    run.racks[FAULTY].open_commands_ms = [1000]
    assert "the BMS was not told" in failures(run)
    run.opening_ms = 499
    assert f"wanted 0..{REACTION_MS + 499}" in failures(run)


def test_a_contactor_that_was_open_already_has_opened() -> None:
    run = good_run()
    run.racks[FAULTY].contactor_changes = [Change(3_700, True), Change(9_000, False)]
    assert failures(run) == ""
    assert judge(run).summary["trips"][0]["contactor_ms"] == 9_000
    # closed late, after the value had crossed its limit: it has opened all the same
    late = [Change(CROSSED_MS + 100, True), Change(RELAY_MS + 5, False)]
    run.racks[FAULTY].contactor_changes = late
    assert judge(run).summary["trips"][0]["contactor_ms"] == RELAY_MS + 5
    # closed again after the trip: that opening is another one
    again = [Change(RELAY_MS + 3000, True), Change(RELAY_MS + 4000, False)]
    run.racks[FAULTY].contactor_changes = [Change(3_700, True), Change(9_000, False), *again]
    assert judge(run).summary["trips"][0]["contactor_ms"] == 9_000
    run.racks[FAULTY].contactor_changes = []
    assert "the contactor did not open" in failures(run)
    run.racks[FAULTY].contactor_changes = [Change(3_700, True)]
    assert "the contactor did not open" in failures(run)


def test_a_rule_of_the_site_is_the_reason_for_every_rack() -> None:
    run = good_run()
    (key,) = (key for key, record in run.delivered.records.items() if isinstance(record, Event))
    boot, _, seq = key
    told = event(boot, seq, layout.NO_RACK, layout.TRIP, "estop", 3, RELAY_MS - 600)
    run.delivered.records[key] = told
    run.faults = []
    run.expected = Expected(trips=[Reached(FAULTY, ("estop",), 3)])
    assert failures(run) == ""
    run.expected.levels = [Reached(0, ("estop",), 3)]
    assert failures(run) == ""
    run.expected.levels = [Reached(0, ("estop",), 2)]
    assert "rack01: expected estop level 2: came to level 3" in failures(run)


# -- the running parts, not started --


def made(monkeypatch: pytest.MonkeyPatch, name: str) -> plan.Plan:
    monkeypatch.setenv("GATEWAYCTL_FIRST_PORT", "23100")
    return plan.make(SITE, name, 0, "cpython")


def test_a_scenario_brings_inputs_and_outputs_along(monkeypatch: pytest.MonkeyPatch) -> None:
    made_plan = made(monkeypatch, "gas")
    assert [entry.role for entry in made_plan.config.inputs] == ["reset", "gas_low", "smoke"]
    (step,) = (timed.step for timed in made_plan.steps)
    assert (step.action, step.wire) == (INPUT, (1, 0))

    async def main() -> None:
        rig = Rig(made_plan)
        assert rig.field.inputs[:3] == [False, True, True]
        await Driver(rig)._actions[step.action](step)
        assert rig.field.inputs[:3] == [False, False, True]
        rig._set_relay(14, True)
        rig._set_relay(13, True)
        (noted,) = rig.site.truth.site_relay_changes["ventilation"]
        assert noted.on and rig.errors == ["the gateway drove relay 13, which belongs to no rack"]
        assert rig.site.dc_bus.upstream_closed

    asyncio.run(main())


def test_the_site_relay_holds_the_breaker(monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> None:
        rig = Rig(made(monkeypatch, "welded_under_load"))
        assert not rig.site.dc_bus.upstream_closed
        rig._set_relay(15, True)
        assert rig.site.dc_bus.upstream_closed

    asyncio.run(main())


@pytest.mark.parametrize(
    ("settings", "levels", "faults"),
    [
        ({"kind": "cell_overvoltage"}, [], [Fault(0, "cell_overvoltage")]),
        ({"kind": "cell_overvoltage", "level": 2}, [Reached(0, ("cell_overvoltage",), 2)], []),
        ({"kind": "cell_overvoltage", "level": 0, "target": 4000}, [], []),
        ({"kind": "temp_spread"}, [Reached(0, ("temp_spread",), 2)], []),
        ({"kind": "voltage_rate"}, [], [Fault(0, "voltage_rate", timed=False)]),
        ({"kind": "rack_silent"}, [], [Fault(0, "comm_loss", silent=True)]),
    ],
)
def test_a_fault_says_itself_what_it_must_lead_to(
    monkeypatch: pytest.MonkeyPatch,
    settings: dict[str, object],
    levels: list[Reached],
    faults: list[Fault],
) -> None:
    async def main() -> None:
        driver = Driver(Rig(made(monkeypatch, "normal")))
        fault = ReadingFault.model_validate(settings)
        await driver._begin(Step(Moment(seconds=0.0), BEGIN, fault, (0,)))
        assert driver.levels == levels
        assert driver.faults() == faults

    asyncio.run(main())


def test_a_held_load_reaches_the_site(monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> None:
        rig = Rig(made(monkeypatch, "voltage_spread"))
        for index in range(2):
            rig.site.set_relay(index, True)
        for now_ms in range(10_000, 70_000, 1_000):
            rig.site.tick(now_ms)
            assert rig.site.racks[0].values["rack_current_da"] == 0

    asyncio.run(main())


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            '[[event]]\naction = "input"\nname = "gas"\nat = 6\n',
            "no input 'gas'; there are: reset",
        ),
        ('[[event]]\naction = "input"\nnumber = 5\nat = 6\n', "level: needs 0 or 1"),
        ('[[expect.relays]]\nname = "ventilation"\non = true\n', "no relay 'ventilation'"),
        ("[config.outputs]\nbell_relay = 3\n", "outputs.bell_relay: no such setting"),
        (
            '[expect]\nlevels = [{ rack = 5, rule = "deep_discharge", level = 1 }]\n'
            '[[fault]]\nkind = "frozen"\n',
            "deep_discharge has no level 1",
        ),
    ],
)
def test_what_the_site_does_not_have_is_told_before_anything_starts(
    tmp_path, monkeypatch: pytest.MonkeyPatch, text: str, words: str
) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(text)
    with pytest.raises(UserError, match=words):
        made(monkeypatch, str(path))


def test_an_input_without_a_name_goes_to_a_level(tmp_path, monkeypatch) -> None:
    path = tmp_path / "mine.toml"
    path.write_text('[[event]]\naction = "input"\nnumber = 5\nlevel = 1\nat = 6\n')
    (timed,) = made(monkeypatch, str(path)).steps
    assert timed.step.wire == (5, 1) and timed.at_s == 6
    path.write_text('[[event]]\naction = "input"\nname = "reset"\nlevel = "off"\nat = 6\n')
    (timed,) = made(monkeypatch, str(path)).steps
    assert timed.step.wire == (0, 0)


def test_every_shipped_scenario_can_be_planned(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in scenario_file.names():
        assert made(monkeypatch, name).scenario.name == name
