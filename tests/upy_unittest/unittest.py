# A small `unittest` for MicroPython: the subset of CPython's that tests/shared uses, nothing more.
# CPython never sees this folder.

import gc
import re
import sys


class SkipTest(Exception):
    pass


class _Subtest:
    # Context of `with self.subTest(...)`: records a failure and lets the loop go on.

    def __init__(self, result, name, parameters):
        self._result = result
        self._name = "%s (%s)" % (
            name,
            ", ".join(["%s=%r" % (key, parameters[key]) for key in sorted(parameters)]),
        )

    def __enter__(self):
        return self

    def __exit__(self, kind, error, _traceback):
        if error is None:
            return False
        if not isinstance(error, Exception) or isinstance(error, SkipTest):
            return False
        self._result.failed(self._name, error)
        return True


class _Raises:
    # Context of `with self.assertRaises(...)`; `exception` holds what was raised.

    def __init__(self, expected, pattern=None):
        self._expected = expected
        self._pattern = pattern
        self.exception = None

    def __enter__(self):
        return self

    def __exit__(self, kind, error, _traceback):
        if error is None:
            raise AssertionError("%r not raised" % (self._expected,))
        if not isinstance(error, self._expected):
            return False
        self.exception = error
        if self._pattern and not re.search(self._pattern, str(error)):
            raise AssertionError("%r does not match %r" % (str(error), self._pattern))
        return True


class TestCase:
    longMessage = True
    maxDiff = None

    def setUp(self):
        pass

    def tearDown(self):
        pass

    @classmethod
    def setUpClass(cls):
        pass

    @classmethod
    def tearDownClass(cls):
        pass

    def addCleanup(self, function, *arguments, **named):
        self._cleanups.append((function, arguments, named))

    def subTest(self, msg=None, **parameters):
        if msg is not None:
            parameters["msg"] = msg
        return _Subtest(self._result, self._name, parameters)

    def skipTest(self, reason):
        raise SkipTest(reason)

    def fail(self, msg=None):
        raise AssertionError(msg or "failed")

    def _check(self, good, text, values, msg):
        if not good:
            text = text % values
            raise AssertionError("%s : %s" % (text, msg) if msg else text)

    def assertTrue(self, value, msg=None):
        self._check(value, "%r is not true", (value,), msg)

    def assertFalse(self, value, msg=None):
        self._check(not value, "%r is not false", (value,), msg)

    def assertEqual(self, first, second, msg=None):
        self._check(first == second, "%r != %r", (first, second), msg)

    def assertNotEqual(self, first, second, msg=None):
        self._check(first != second, "%r == %r", (first, second), msg)

    def assertIs(self, first, second, msg=None):
        self._check(first is second, "%r is not %r", (first, second), msg)

    def assertIsNot(self, first, second, msg=None):
        self._check(first is not second, "%r is %r", (first, second), msg)

    def assertIsNone(self, value, msg=None):
        self._check(value is None, "%r is not None", (value,), msg)

    def assertIsNotNone(self, value, msg=None):
        self._check(value is not None, "%r is None", (value,), msg)

    def assertIn(self, member, container, msg=None):
        self._check(member in container, "%r not in %r", (member, container), msg)

    def assertNotIn(self, member, container, msg=None):
        self._check(member not in container, "%r in %r", (member, container), msg)

    def assertIsInstance(self, value, kind, msg=None):
        self._check(isinstance(value, kind), "%r is not a %r", (value, kind), msg)

    def assertNotIsInstance(self, value, kind, msg=None):
        self._check(not isinstance(value, kind), "%r is a %r", (value, kind), msg)

    def assertLess(self, first, second, msg=None):
        self._check(first < second, "%r not less than %r", (first, second), msg)

    def assertLessEqual(self, first, second, msg=None):
        self._check(first <= second, "%r greater than %r", (first, second), msg)

    def assertGreater(self, first, second, msg=None):
        self._check(first > second, "%r not greater than %r", (first, second), msg)

    def assertGreaterEqual(self, first, second, msg=None):
        self._check(first >= second, "%r less than %r", (first, second), msg)

    def assertAlmostEqual(self, first, second, places=7, msg=None, delta=None):
        limit = 0.5 * 10**-places if delta is None else delta
        close = first == second or abs(first - second) <= limit
        self._check(close, "%r and %r differ by more than %r", (first, second, limit), msg)

    def assertRegex(self, text, pattern, msg=None):
        self._check(re.search(pattern, text), "%r does not match %r", (text, pattern), msg)

    def assertCountEqual(self, first, second, msg=None):
        first, rest = list(first), list(second)
        for value in first:
            self._check(value in rest, "%r is missing or appears too often", (value,), msg)
            rest.remove(value)
        self._check(not rest, "%r is in the second only", (rest,), msg)

    def assertRaises(self, expected, function=None, *arguments, **named):
        if function is None:
            return _Raises(expected)
        with _Raises(expected):
            function(*arguments, **named)

    def assertRaisesRegex(self, expected, pattern):
        return _Raises(expected, pattern)

    assertListEqual = assertTupleEqual = assertDictEqual = assertSequenceEqual = assertEqual
    assertSetEqual = assertMultiLineEqual = assertEqual


def skip(reason):
    return skipIf(True, reason)


def skipUnless(condition, reason):
    return skipIf(not condition, reason)


def skipIf(condition, reason):
    # MicroPython's functions take no attributes: a skipped method becomes one that raises.
    def decorate(target):
        if not condition:
            return target
        if isinstance(target, type):
            target.skip_reason = reason
            return target

        def skipped(self):
            raise SkipTest(reason)

        return skipped

    return decorate


class Result:
    # What happened so far; prints each failure and skip where it happens.

    def __init__(self):
        self.ran = 0
        self.failures = 0
        self.skips = 0

    def failed(self, name, error):
        self.failures += 1
        print("FAIL", name)
        sys.print_exception(error)

    def skipped(self, name, reason):
        self.skips += 1
        print("SKIP %s: %s" % (name, reason))

    def succeeded(self):
        # A file in which nothing ran is a mistake, not a success; one that skips says why.
        return self.failures == 0 and self.ran + self.skips > 0


def run_module(module):
    # Runs every TestCase of `module`, in order of name.
    result = Result()
    for name in sorted(dir(module)):
        case = getattr(module, name)
        if isinstance(case, type) and issubclass(case, TestCase) and case is not TestCase:
            _run_case(case, result)
    print("ran %d, failed %d, skipped %d" % (result.ran, result.failures, result.skips))
    return result


def _run_case(case, result):
    reason = getattr(case, "skip_reason", None)
    if reason:
        result.skipped(case.__name__, reason)
        return
    try:
        case.setUpClass()
    except SkipTest as error:
        result.skipped(case.__name__, error)
        return
    except Exception as error:
        result.failed(case.__name__ + ".setUpClass", error)
        return
    for name in sorted(dir(case)):
        if name.startswith("test") and callable(getattr(case, name)):
            _run_test(case, name, result)
    _attempt(case.tearDownClass, case.__name__ + ".tearDownClass", result)


def _run_test(case, method_name, result):
    gc.collect()
    test = case()
    test._result = result
    test._name = "%s.%s" % (case.__name__, method_name)
    test._cleanups = []
    skips_before = result.skips
    if _attempt(test.setUp, test._name, result):
        _attempt(getattr(test, method_name), test._name, result)
        _attempt(test.tearDown, test._name, result)
    while test._cleanups:
        function, arguments, named = test._cleanups.pop()
        _attempt(lambda: function(*arguments, **named), test._name, result)
    if result.skips == skips_before:
        result.ran += 1


def _attempt(function, name, result):
    # True when `function` came back without an error. Not caught: SystemExit, KeyboardInterrupt.
    try:
        function()
        return True
    except SkipTest as error:
        result.skipped(name, error)
    except Exception as error:
        result.failed(name, error)
    return False


def main(module="__main__"):
    # Run as a script; the exit status tells the truth (micropython-lib's is always 0).
    sys.exit(0 if run_module(__import__(module)).succeeded() else 1)
