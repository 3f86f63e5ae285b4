"""What is changed and what is not, which verdicts last, and one real trial of each kind."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from host_tools.errors import UserError
from host_tools.mutate import command, forked, verdicts
from host_tools.mutate.judge import KILLED, SURVIVED, judge
from host_tools.mutate.mutants import Mutant, mutants_of
from host_tools.mutate.selection import FIRMWARE, Selection
from host_tools.mutate.verdicts import Equivalent, Verdicts
from host_tools.toolchain.paths import ROOT

SOURCE = """
from array import array

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

_LIMIT = 3

class Some:
    \"\"\"Text.\"\"\"

    @property
    def past(self) -> bool:
        return self.value >= _LIMIT

    def begin(self) -> None:
        self.begun = False
        for each in (1,):
            break

if _LIMIT != 3:
    raise ImportError("some disagree")
"""
RESET_INPUT = "gateway.protection.reset_input"
OWN_TEST = "tests/shared/protection/test_latch_store.py"
TEST_NAMED = "gateway.protection.power_up_test"
RESET_TESTS = ("test_only_a_push_counts", "test_bounce_and_noise_are_not_pushes")


def changes(source: str) -> set[tuple[str, str]]:
    return {(each.before, each.after) for each in mutants_of("gateway.some", source)}


def test_constants_properties_and_comparisons_are_changed() -> None:
    found = changes(SOURCE)
    assert ("_LIMIT = 3", "_LIMIT = 4") in found
    assert ("return self.value >= _LIMIT", "return self.value > _LIMIT") in found
    assert ("self.begun = False", "self.begun = True") in found
    assert ("break", "return") in found


def test_what_no_interpreter_cares_for_is_left_alone() -> None:
    lines = {before for before, _ in changes(SOURCE)}
    assert not any("TYPE_CHECKING" in line or "import" in line or "Text" in line for line in lines)
    assert ("self.begun = False", "self.begun = None") not in changes(SOURCE)


def test_of_a_guard_of_tables_only_the_condition_is_changed() -> None:
    found = changes(SOURCE)
    assert ("if _LIMIT != 3:", "if _LIMIT == 3:") in found
    assert not any("ImportError" in before for before, _ in found)


def test_every_mutant_is_a_whole_module_that_compiles_and_has_its_own_key() -> None:
    found = mutants_of("gateway.some", SOURCE)
    assert len({each.key for each in found}) == len(found)
    assert [each.line for each in found] == sorted(each.line for each in found)
    for each in found:
        compile(each.source, "mutant", "exec")
        assert each.source != SOURCE


def mutant(line: int = 1) -> Mutant:
    return Mutant("gateway.some", line, "a = 1", "a = 2", "a = 2\n")


def test_a_verdict_lasts_while_its_module_does(tmp_path: Path) -> None:
    path = tmp_path / "mutation.json"
    first = Verdicts({"gateway.some": "as it is"})
    first.note(mutant(1), verdicts.KILLED, "tests 1")
    first.note(mutant(2), verdicts.SURVIVED, "tests 1")
    first.save({"score": 0.5}, path)
    second = Verdicts({"gateway.some": "as it is"})
    second.load(path)
    assert second.is_known(mutant(1), "tests 2")
    assert second.is_known(mutant(2), "tests 1")
    assert not second.is_known(mutant(2), "tests 2")  # a new test may see it
    changed = Verdicts({"gateway.some": "otherwise"})
    changed.load(path)
    assert not changed.is_known(mutant(1), "tests 1")


def test_figures_leave_equivalents_out_and_name_survivors() -> None:
    known = Verdicts({})
    known.note(mutant(1), verdicts.KILLED, "t")
    known.note(mutant(2), verdicts.SURVIVED, "t")
    no_change = Mutant("gateway.some", 9, "b = 1", "b = +1", "")
    untried = Mutant("gateway.some", 10, "c = 1", "c = 2", "")
    listed = [
        Equivalent("gateway.some", "b = 1", "b = +1", "the same number"),
        Equivalent("gateway.some", "gone", "gone too", "was there once"),
    ]
    selection = Selection("t", {}, {}, [])
    found = command.summary([mutant(1), mutant(2), no_change, untried], known, listed, selection)
    assert (found["score"], found["killed"], found["survived"]) == (0.5, 1, 1)
    assert (found["equivalent"], found["untried"], found["complete"]) == (1, 1, False)
    assert [each["at"] for each in found["survivors"]] == ["firmware/gateway/some.py:2"]
    assert found["stale_equivalents"] == ["gateway.some: gone"]


def test_own_tests_come_first_and_properties_last_within_their_time() -> None:
    own, other = "tests/shared/protection/test_ramp.py::A::b", "tests/shared/outputs/test_x.py::c"
    quick, slow = "tests/property/test_a.py::d", "tests/property/test_b.py::e"
    never = "tests/property/test_c.py::f"
    seconds = {own: 1.0, other: 0.1, quick: 0.1, slow: 60.0, never: 61.0}
    selection = Selection("", seconds, {"gateway.protection.ramp": {"7": list(seconds)}}, [])
    assert selection.stages("gateway.protection.ramp", 7) == [[own], [other], [quick, slow]]
    failing = Selection("", seconds, selection.lines, [own])
    assert failing.stages("gateway.protection.ramp", 7)[0] == [other]


def test_what_runs_at_import_is_judged_by_all_tests_of_the_files_that_use_it() -> None:
    own, other = "tests/shared/protection/test_ramp.py", "tests/shared/outputs/test_x.py"
    tests = [f"{own}::A::names", f"{other}::B::uses", f"{other}::B::names"]
    seconds = dict.fromkeys([*tests, "tests/shared/outputs/test_y.py::C::d"], 0.1)
    selection = Selection("", seconds, {"gateway.protection.ramp": {"7": tests[1:2]}}, [])
    assert selection.stages("gateway.protection.ramp", 7) == [tests[1:2]]
    assert selection.stages("gateway.protection.ramp", 1) == [tests[:1], sorted(tests[1:])]


@pytest.mark.parametrize(
    ("before", "after", "verdict"),
    [
        ("return self._steps_on == _HELD_STEPS", "return self._steps_on != _HELD_STEPS", KILLED),
        ("_HELD_STEPS = const(3)", "_HELD_STEPS = None", KILLED),  # cannot even be used
        ("once per push", "once a push", SURVIVED),  # of a text
    ],
)
def test_a_trial_tells_what_a_test_sees(before: str, after: str, verdict: int) -> None:
    tests = [f"{OWN_TEST}::ResetInputTest::{name}" for name in RESET_TESTS]
    assert trial(RESET_INPUT, before, after, tests) == str(verdict)


def test_a_module_whose_name_looks_like_a_test_is_replaced_too() -> None:
    path = "tests/shared/protection/test_power_up_test.py"
    tests = [f"{path}::PowerUpTest::test_a_sound_machine_passes"]
    assert trial(TEST_NAMED, "trips == [", "trips != [", tests) == str(KILLED)


def trial(module: str, before: str, after: str, tests: list[str]) -> str:
    """Status of a trial in a process of its own."""
    source = (FIRMWARE / (module.replace(".", "/") + ".py")).read_text()
    assert before in source
    changed = source.replace(before, after)
    # The tests that run now have imported the gateway; a trial must not have.
    code = (
        "import json, sys\n"
        "from host_tools.mutate import forked\n"
        "from host_tools.mutate.judge import judge\n"
        "module, source, tests = json.load(sys.stdin)\n"
        "forked.start(lambda: judge(module, source, [tests], lambda test: None), 60, 80)\n"
        "print(forked.reap()[1])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        input=json.dumps([module, changed, tests]),
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=90,
    )
    assert not done.returncode, done.stderr
    return done.stdout.strip()


def test_a_trial_without_end_is_ended() -> None:
    def for_ever() -> int:
        while True:
            pass

    child = forked.start(for_ever, 0.2, 600)
    assert forked.reap() == (child, forked.TIMED_OUT)


def test_a_trial_that_only_waits_is_ended_too() -> None:
    def wait() -> int:
        while True:
            time.sleep(60)

    child = forked.start(wait, 600, 0.2)
    assert forked.reap() == (child, forked.TIMED_OUT)


def test_waiting_for_the_processor_is_not_held_against_a_trial() -> None:
    def wait() -> int:
        time.sleep(0.5)
        return SURVIVED

    child = forked.start(wait, 0.3, 600)
    assert forked.reap() == (child, SURVIVED)


def test_each_test_of_a_trial_has_its_own_time() -> None:
    def burn(cpu_s: float) -> None:
        end_s = time.process_time() + cpu_s
        while time.process_time() < end_s:
            pass

    def two_tests() -> int:
        burn(0.15)
        forked.limit(0.3)
        burn(0.15)
        return SURVIVED

    child = forked.start(two_tests, 0.25, 600)
    assert forked.reap() == (child, SURVIVED)


def test_a_trial_beside_an_imported_gateway_is_refused() -> None:
    import gateway  # noqa: F401 - it is there now

    with pytest.raises(RuntimeError, match="already there"):
        judge(RESET_INPUT, "", [], print)


def test_an_unknown_module_names_the_known_ones() -> None:
    with pytest.raises(UserError, match="no module 'rampe'; there are: .*, ramp, "):
        command.main(["rampe"], 1, 1, False)


def test_the_list_of_equivalents_can_be_read(tmp_path: Path) -> None:
    assert all(each.why for each in verdicts.equivalents())
    wrong = tmp_path / "equivalent.toml"
    wrong.write_text("[[mutant]]\nmodule = 'x'\n")
    with pytest.raises(UserError, match=r"equivalent\.toml"):
        verdicts.equivalents(wrong)
