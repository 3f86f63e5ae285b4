"""The verdict on one mutant: put it in place of its module and run the tests that can see it."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable, Sequence
from importlib.abc import InspectLoader
from importlib.machinery import ModuleSpec
from types import CodeType, ModuleType

from host_tools.mutate import suite
from host_tools.mutate.selection import FIRMWARE

SURVIVED = 0
KILLED = 1
_NO_TESTS = 5


class _Loader(InspectLoader):
    def __init__(self, source: str, path: str) -> None:
        self._source = source
        self._path = path

    def get_source(self, fullname: str) -> str:
        return self._source

    def get_code(self, fullname: str) -> CodeType:
        return compile(self._source, self._path, "exec", dont_inherit=True)


class Instead:
    """Finder that has `source` for one module; for others it knows nothing."""

    def __init__(self, module: str, source: str) -> None:
        self._module = module
        path = str(FIRMWARE / (module.replace(".", "/") + ".py"))
        self._loader = _Loader(source, path)
        self._path = path

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """As the import system asks."""
        if fullname != self._module:
            return None
        return importlib.util.spec_from_loader(fullname, self._loader, origin=self._path)


def judge(
    module: str, source: str, stages: Sequence[Sequence[str]], begin: Callable[[str], object]
) -> int:
    """KILLED or SURVIVED; to be called in a process of its own that never imported the gateway.

    `begin` is called with each test before it runs. A module that cannot even be imported is a
    failure that every test sees.
    """
    if any(name == "gateway" or name.startswith("gateway.") for name in sys.modules):
        raise RuntimeError("the gateway is already there")
    suite.silence()
    suite.quicken()
    sys.meta_path.insert(0, Instead(module, source))
    for tests in stages:
        if all(test.startswith(suite.PLAIN) for test in tests):
            if not suite.passes(tests, begin):
                return KILLED
            continue
        files = sorted({test.partition("::")[0] for test in tests})
        status = suite.run(files, suite.Chosen(tests), suite.Noted(begin), options=["-x"])
        if status not in (0, _NO_TESTS):
            return KILLED
    return SURVIVED
