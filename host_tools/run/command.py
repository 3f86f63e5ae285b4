"""`gatewayctl run`: a whole simulated site, its verdict and its exit status."""

from __future__ import annotations

import asyncio
import json

from rich.console import Console

from host_tools.run import plan as run_plan
from host_tools.run.report import print_verdict
from host_tools.run.run import INTERRUPTED, Run
from host_tools.run.verdict import judge

SUMMARY = "summary.json"
LOG_WIDTH = 160  # of what goes to a file or a pipe


def main(site: str, scenario: str, duration_s: int, interpreter: str, bus: str = "") -> int:
    """Run over `bus` (tcp, rtu, or empty: as scenario and site file have it).

    0 when every expectation held (or an endless run was ended), 1 when one failed,
    130 after Ctrl-C in a run with an end; UserError for bad input.
    """
    plan = run_plan.make(site, scenario, duration_s, interpreter, bus)
    console = Console()
    if not console.is_terminal:
        console.width = LOG_WIDTH

    console.print(plan.differences, style="dim", markup=False, highlight=False, soft_wrap=True)

    async def run() -> int:
        evidence = await Run(plan, console).run()
        verdict = judge(evidence)
        path = plan.folder / SUMMARY
        path.write_text(json.dumps(verdict.summary, indent=1) + "\n")
        print_verdict(verdict, console)
        console.print(str(path), style="dim", markup=False, highlight=False, soft_wrap=True)
        if evidence.interrupted:
            return INTERRUPTED if duration_s else 0
        return 1 if verdict.failures else 0

    return asyncio.run(run())
