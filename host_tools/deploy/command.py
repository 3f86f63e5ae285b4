"""`gatewayctl deploy`: from a site file to a board that passed its self-test."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from host_tools.cable.ports import choose
from host_tools.cable.prompt import CableError, Prompt, RemoteError
from host_tools.confirm import confirm
from host_tools.deploy import boards, identity, program
from host_tools.deploy.deployment import Deployment, Wanted, ask_running, ask_start
from host_tools.deploy.judge import Verdict
from host_tools.deploy.plan import Plan
from host_tools.errors import UserError
from host_tools.monitor.console_client import Status
from host_tools.site import board_fit, bus_time
from host_tools.site import compile as site_compile

FAILED = 1
# Where a deployment that is broken off leaves the board.
_STOPPED = (
    "its relays are open until it has started again, by its watchdog within a minute or by its"
    " supply"
)
_ON_TRIAL = "what is new runs there on trial until its next start, which is as before"


@dataclass(frozen=True)
class Options:
    """As the command line has them."""

    board: str
    port: str
    site: str
    dry_run: bool = False
    yes: bool = False
    as_json: bool = False
    rename: bool = False


def main(options: Options) -> int:
    """0: the board runs what was deployed. 1: it did not pass, and has what it had before."""
    kind = boards.find(options.board)
    wanted = _wanted(kind, options.site)
    prompt = Prompt(choose(options.port))
    prompt.open()
    deployment = Deployment(prompt, kind, wanted, _unheard)
    try:
        return _deploy(deployment, prompt, options)
    except (CableError, RemoteError) as error:
        until_then = _ON_TRIAL if deployment.on_trial else "until then it starts as before"
        raise UserError(
            f"{prompt.port}: {error}; check cable and power, then deploy again: what is on the"
            f" board already is not sent twice, and {until_then}"
        ) from error
    finally:
        prompt.close()


def _unheard(line: str) -> None:
    """The log of a start is not shown: its last line is, when it fails."""


def _wanted(kind: boards.BoardKind, site: str) -> Wanted:
    if not site.endswith(".toml"):
        raise UserError(f"SITE: {site!r} is no site file (.toml); only that has racks to connect")
    _, tree = site_compile.load_site(site, need_racks=True, board=boards.settings(kind))
    config = site_compile.check(tree, site)
    board_fit.check(config, kind, site)
    bus_time.bus_times(config, site)
    content = (json.dumps(tree, separators=(",", ":")) + "\n").encode()
    return Wanted(program.compiled(kind), content, program.root_files(kind))


def _deploy(deployment: Deployment, prompt: Prompt, options: Options) -> int:
    running = ask_running(prompt)
    identity.check_same(running, deployment.identity, options.site, prompt.port, options.rename)
    if options.dry_run and running is not None:
        return _tell_running(running, options)
    confirm_stop(running, options.yes)
    if running:
        deployment.runs = ask_start(prompt)
    try:
        return _bring(deployment, prompt, options)
    except KeyboardInterrupt:
        now = _ON_TRIAL if deployment.on_trial else _STOPPED
        print(
            f"{prompt.port}: broken off: {now}; deploy again, what is on the board already is not"
            " sent twice",
            file=sys.stderr,
        )
        raise


def _bring(deployment: Deployment, prompt: Prompt, options: Options) -> int:
    """Everything that stops what runs on the board."""
    device = deployment.device
    _say(options, f"{prompt.port}: stopping what runs there")
    device.take()
    if options.dry_run:
        if device.kind.prepare:
            prompt.run(device.kind.prepare)
        plan = deployment.look()
        prompt.resume()
        _report(options, plan, None, "dry run: nothing was written")
        return 0
    device.hold()
    plan = deployment.look()
    _say(options, plan.line())
    _copy(deployment, plan, options)
    deployment.switch(plan)
    _say(options, "restarted; waiting for its self-test")
    verdict = deployment.judge()
    if not verdict.problem:
        _report(options, plan, verdict, f"{options.board} runs {options.site}: self-test passed")
        return 0
    _say(options, f"self-test failed: {verdict.problem}; going back")
    after = deployment.roll_back(plan)
    _report(options, plan, verdict, f"not deployed: {verdict.problem}; {after}")
    return FAILED


def _copy(deployment: Deployment, plan: Plan, options: Options) -> None:
    console = Console(stderr=True)
    columns = (TextColumn("{task.description:30.30}"), BarColumn(), DownloadColumn())
    with Progress(
        *columns, TimeRemainingColumn(), console=console, disable=not console.is_terminal
    ) as bar:
        task = bar.add_task("", total=plan.bytes_to_send or 1)

        def told(what: str, count: int) -> None:
            bar.update(task, description=what, advance=count)

        deployment.copy(plan, told)


def confirm_stop(running: Status | None, yes: bool) -> None:
    """A running gateway is stopped, and every relay opens: a person says yes to that.

    Silence (`{}`) may be a gateway, too.
    """
    if running is None or yes:
        return
    racks = running.get("racks", [])
    closed = sum(rack["relay"] for rack in racks)
    if running and not closed:
        return
    current_a = sum(abs(rack["current_da"] or 0) for rack in racks) / 10
    name = identity.of_running(running) or "A gateway"
    found = (
        f"{name} runs there: {closed} of {len(racks)} racks are closed, {current_a:.0f} A flow."
        if running
        else "Neither a gateway nor MicroPython's prompt answers: relays there may be closed."
    )
    confirm(f"{found} Going on opens every relay. Stop the converter first.")


def _tell_running(running: Status, options: Options) -> int:
    what = "something that does not answer runs there"
    if running:
        name = identity.of_running(running) or "a gateway"
        what = f"{name} runs there (version {running['version']}, {running['mode']})"
    _report(
        options,
        None,
        None,
        f"dry run: {what}, and to compare files it would have to be stopped; site and program"
        " are good",
    )
    return 0


def _report(options: Options, plan: Plan | None, verdict: Verdict | None, line: str) -> None:
    if not options.as_json:
        if options.dry_run and plan is not None:
            print(plan.line())
        for note in verdict.notes if verdict else ():
            print(f"  {note}")
        print(line)
        return
    found: dict[str, Any] = {"board": options.board, "site": options.site, "result": line}
    if plan is not None:
        found["slot"] = plan.slot
        for name, files in (("sent", plan.send), ("copied", plan.copy), ("config", plan.config)):
            found[name] = [file.path for file in files]
        found["bytes"] = plan.bytes_to_send
    if verdict is not None:
        found |= {"problem": verdict.problem, "notes": list(verdict.notes)}
        found["selftest"] = verdict.report
    print(json.dumps(found))


def _say(options: Options, line: str) -> None:
    if not options.as_json:
        print(line, flush=True)
