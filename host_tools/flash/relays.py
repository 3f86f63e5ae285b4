"""A boot loader does not look after relays: before it starts they are opened, and stay open."""

from __future__ import annotations

from host_tools.cable.prompt import CableError, Prompt, RemoteError
from host_tools.confirm import confirm
from host_tools.deploy import boards, program
from host_tools.deploy.command import confirm_stop
from host_tools.deploy.deployment import ask_running
from host_tools.deploy.device import LET_WAIT
from host_tools.errors import UserError
from host_tools.monitor.console_client import Status

_BOOT = "boot.py"


def open_all(board: str, port: str, yes: bool, erase: bool) -> None:
    """Ask about a gateway that runs, about silence, with `erase` about what is lost; then open.

    `yes`: no question. A gateway runs on until all is answered. UserError.
    """
    kind = boards.find(board)
    prompt = Prompt(port)
    prompt.open()
    try:
        running = ask_running(prompt)
        if not yes:
            _confirm(running, kind, port, erase)
        if running != {}:  # silence: no MicroPython, or none to be reached; a person was asked
            _drop(prompt, kind)
    except (CableError, RemoteError) as error:
        raise UserError(f"{port}: {error}; check the cable, then flash again") from error
    finally:
        prompt.close()


def _confirm(running: Status | None, kind: boards.BoardKind, port: str, erase: bool) -> None:
    if running == {} and _BOOT in kind.root_files:
        confirm(
            "Neither a gateway nor MicroPython's prompt answers, so closed relays stay closed, and"
            " nobody watches the racks: take the supply from their coils first."
        )
    else:
        confirm_stop(running, yes=False)
    if erase:
        records = "records"
        if running and "telemetry" in running:
            records = f"{running['telemetry']['backlog']} records that nobody has yet"
        confirm(f"This erases the board at {port}: program, keys, latches, {records}.")


def _drop(prompt: Prompt, kind: boards.BoardKind) -> None:
    """Relays that outlive a reset, by the board's own boot.py; a processor's pins fall by it."""
    for file in program.root_files(kind):
        if file.path != _BOOT:
            continue
        prompt.interrupt()
        prompt.run(LET_WAIT)  # else the program's watchdog starts it again before the tool begins
        prompt.run(file.content)
        if prompt.run("print(drop_relays())").strip() != "True":
            raise UserError(
                f"{prompt.port}: the relays did not open: take the supply from their coils, cut"
                " the board's power, then flash again"
            )
