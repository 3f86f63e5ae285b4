"""A boot loader does not look after relays: before it starts they are opened, and stay open."""

from __future__ import annotations

from host_tools.cable.prompt import CableError, Prompt, RemoteError
from host_tools.deploy import boards, program
from host_tools.deploy.command import confirm_stop
from host_tools.deploy.deployment import ask_running
from host_tools.errors import UserError

_BOOT = "boot.py"


def open_all(board: str, port: str, yes: bool) -> int | None:
    """How many records wait there that nobody has yet, None = unknown; UserError.

    `yes`: no question about a gateway that runs, or about silence.
    """
    prompt = Prompt(port)
    prompt.open()
    try:
        running = ask_running(prompt)
        confirm_stop(running, yes)
        if running != {}:  # silence: no MicroPython, or none to be reached; a person was asked
            _drop(prompt, boards.find(board))
    except (CableError, RemoteError) as error:
        raise UserError(f"{port}: {error}; check the cable, then flash again") from error
    finally:
        prompt.close()
    return running["telemetry"]["backlog"] if running and "telemetry" in running else None


def _drop(prompt: Prompt, kind: boards.BoardKind) -> None:
    """Relays that outlive a reset, by the board's own boot.py; a processor's pins fall by it."""
    for file in program.root_files(kind):
        if file.path != _BOOT:
            continue
        prompt.interrupt()
        prompt.run(file.content)
        if prompt.run("print(drop_relays())").strip() != "True":
            raise UserError(
                f"{prompt.port}: the relays did not open: take the supply from their coils, cut"
                " the board's power, then flash again"
            )
