"""Does the runs of the protection matrix that a test session needs, each once, two at a time."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from whole_site import WholeSite

from host_tools.protection_matrix.case import LARGE, Run
from host_tools.protection_matrix.record import RECORD
from host_tools.toolchain.paths import ROOT

Record = dict[str, Any]
_PATIENCE_S = 40  # beyond the length of a run


class MatrixRuns:
    """A large site and a small one run beside each other, never two large ones.

    `record` waits for a run and gives what happened in it.
    """

    def __init__(self, runs: Iterable[Run]) -> None:
        self._lanes = {is_large: ThreadPoolExecutor(1) for is_large in (True, False)}
        self._sites = {is_large: WholeSite() for is_large in self._lanes}
        while self._sites[True].first_port == self._sites[False].first_port:
            self._sites[False] = WholeSite()
        self._records: dict[str, Future[Record]] = {}
        for run in runs:
            is_large = run.site == LARGE
            self._records[run.name] = self._lanes[is_large].submit(_do, run, self._sites[is_large])

    def record(self, run: Run) -> Record:
        """What happened; AssertionError when the run itself failed."""
        return self._records[run.name].result()

    def close(self) -> None:
        """Nothing goes on, and nothing stays behind."""
        for lane in self._lanes.values():
            lane.shutdown(cancel_futures=True)
        for site in self._sites.values():
            site.clean_up()


def _do(run: Run, site: WholeSite) -> Record:
    done = subprocess.run(
        [sys.executable, "-m", "host_tools", "matrix", "run", run.name],
        cwd=ROOT,
        env=site.environment(),
        capture_output=True,
        text=True,
        timeout=run.seconds + _PATIENCE_S,
    )
    path = site.folder / RECORD
    assert path.exists(), site.story(done)
    record: Record = json.loads(path.read_text()) | {"story": site.story(done)}
    shutil.rmtree(site.folder)
    return record
