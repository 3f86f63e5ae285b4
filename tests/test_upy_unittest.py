"""The small unittest that MicroPython runs: it must fail where CPython's fails."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from host_tools.toolchain import upy_tests

PASSING = """
import unittest

class TestGood(unittest.TestCase):
    def setUp(self):
        self.values = [1, 2]

    def test_asserts(self):
        self.assertEqual(self.values, [1, 2])
        self.assertCountEqual(self.values, (2, 1))
        self.assertAlmostEqual(0.1 + 0.2, 0.3)
        self.assertIn(1, self.values)
        with self.assertRaises(ValueError) as caught:
            raise ValueError("mine")
        self.assertEqual(str(caught.exception), "mine")
        self.assertRaises(KeyError, {}.__getitem__, 1)

    def test_subtests(self):
        for value in self.values:
            with self.subTest(value=value):
                self.assertGreater(value, 0)

    @unittest.skipIf(True, "not today")
    def test_skipped(self):
        self.fail()

    def test_skips_itself(self):
        self.skipTest("no reason")
"""

# Each body must make the file fail.
FAILING = (
    "self.assertEqual(1, 2)",
    "self.assertTrue([])",
    "self.assertFalse(1)",
    "self.assertIs([], [])",
    "self.assertIsNone(0)",
    "self.assertIsNotNone(None)",
    "self.assertIn(3, (1, 2))",
    "self.assertNotIn(1, (1, 2))",
    "self.assertIsInstance(1, str)",
    "self.assertLess(2, 2)",
    "self.assertLessEqual(3, 2)",
    "self.assertGreater(2, 2)",
    "self.assertGreaterEqual(1, 2)",
    "self.assertNotEqual(1, 1)",
    "self.assertAlmostEqual(1.0, 1.01)",
    "self.assertCountEqual([1, 1], [1, 2])",
    "self.assertRegex('a', 'b')",
    "self.assertRaises(ValueError, int, '1')",
    "self.fail()",
    "raise OSError(5)",
    "with self.assertRaises(ValueError):\n            pass",
    "with self.assertRaises(ValueError):\n            raise KeyError(1)",
    "with self.assertRaisesRegex(ValueError, 'yours'):\n            raise ValueError('mine')",
    "with self.subTest(a=1):\n            self.fail()",
    "self.addCleanup(self.fail)",
    "bytearray(3000000)",
)


def run(need: Callable[[str], Path], folder: Path, source: str) -> upy_tests.Outcome:
    path = folder / "test_sample.py"
    path.write_text(source)
    return upy_tests.run_file(need("micropython"), path)


def test_good_file_passes_and_tells_its_skips(need, tmp_path: Path) -> None:
    outcome = run(need, tmp_path, PASSING)
    assert outcome.passed, outcome.output
    assert outcome.output.strip().endswith("ran 2, failed 0, skipped 2")
    assert outcome.skips == [
        "TestGood.test_skipped: not today",
        "TestGood.test_skips_itself: no reason",
    ]


@pytest.mark.parametrize("body", FAILING)
def test_every_assertion_can_fail(need, body: str, tmp_path: Path) -> None:
    source = (
        "import unittest\n"
        "class TestBad(unittest.TestCase):\n"
        "    def test_good(self):\n"
        "        pass\n"
        "    def test_it(self):\n"
        f"        {body}\n"
    )
    outcome = run(need, tmp_path, source)
    assert not outcome.passed
    assert "failed 1" in outcome.output


@pytest.mark.parametrize(
    "source",
    [
        "",
        "import unittest\nclass TestNone(unittest.TestCase):\n    pass",
        "raise RuntimeError('at import')",
        "import nowhere",
        "def broken(:\n",
        "import unittest\nclass T(unittest.TestCase):\n    def setUp(self): 1 / 0\n"
        "    def test_it(self): pass",
        "import unittest\nclass T(unittest.TestCase):\n    def tearDown(self): 1 / 0\n"
        "    def test_it(self): pass",
        "import unittest\nclass T(unittest.TestCase):\n    @classmethod\n"
        "    def setUpClass(cls): 1 / 0\n    def test_it(self): pass",
    ],
)
def test_a_file_without_a_result_is_a_failure(need, source: str, tmp_path: Path) -> None:
    assert not run(need, tmp_path, source).passed


def test_a_file_that_hangs_is_a_failure(need, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(upy_tests, "TIMEOUT_S", 0.5)
    outcome = run(need, tmp_path, "print('started')\nwhile True:\n    pass")
    assert not outcome.passed
    assert "still running" in outcome.output
