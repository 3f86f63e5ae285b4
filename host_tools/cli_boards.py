"""Commands of `gatewayctl` that speak to a board or to a running gateway.

Nothing heavy is imported here: each command imports its own folder when it is called.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer

from host_tools.cli_examples import examples
from host_tools.errors import UserError

app = typer.Typer()

Kind = Annotated[str, typer.Option("--board", help="Kind of board: a folder of boards/.")]
SiteFile = Annotated[str, typer.Option("--site", help="Site file of this gateway.")]
Port = Annotated[
    str, typer.Option(help="Serial port of the board's cable; empty: the only one there is.")
]
GatewayPort = Annotated[
    str, typer.Option("--port", help="Serial port of the board's cable, or usb: the only one.")
]
ConsoleAddress = Annotated[
    str, typer.Option("--console", help="Gateway's console, HOST:PORT; empty: of a run here.")
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Yes = Annotated[bool, typer.Option("--yes", help="Open closed relays without a question.")]

Rename = Annotated[
    bool, typer.Option("--rename", help="Another gateway runs there, and becomes this one.")
]


@app.command()
@examples(
    "monitor --console 192.168.10.20:7000",
    "monitor --port usb",
)
def monitor(
    console: ConsoleAddress = "",
    port: GatewayPort = "",
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the whole status once, as JSON.")
    ] = False,
) -> int:
    """Show a running gateway's live table until Ctrl-C."""
    from host_tools.cable.reach import reach
    from host_tools.monitor import command

    with suppress(KeyboardInterrupt):
        return command.main(*reach(console, port, _console_here()), as_json)
    return 0


@app.command()
@examples(
    "doctor --port usb",
    "doctor --console 192.168.10.20:7000 --json",
    "doctor --console 192.168.10.20:7000 --relays",
)
def doctor(
    console: ConsoleAddress = "",
    port: GatewayPort = "",
    relays: Annotated[
        bool, typer.Option("--relays", help="Try each closed relay, after a question.")
    ] = False,
    as_json: Json = False,
) -> int:
    """Examine a running gateway: flash, clock, relays, inputs, buses, racks, broker, time.

    Exit status 0: all is in order. 1: something is not. 2: the gateway cannot be asked.
    """
    from host_tools.cable.reach import reach
    from host_tools.doctor import command

    return command.main(*reach(console, port, _console_here()), relays, as_json)


@app.command()
@examples(
    "logs --port usb --follow",
    "logs --console 192.168.10.20:7000",
)
def logs(
    console: ConsoleAddress = "",
    port: GatewayPort = "",
    follow: Annotated[bool, typer.Option("--follow", help="Until Ctrl-C.")] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print a JSON object for each line.")
    ] = False,
) -> int:
    """Print the last lines of a running gateway's log."""
    from host_tools.cable.reach import reach
    from host_tools.doctor import command

    show = command.LogLines(as_json)
    return command.logs(*reach(console, port, _console_here(), show), show, follow)


@app.command()
@examples(
    "deploy --board arduino_opta --site site.toml --dry-run",
    "deploy --board arduino_opta --site site.toml",
)
def deploy(
    board: Kind,
    site: SiteFile,
    port: Port = "",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Check and compare, write nothing.")
    ] = False,
    yes: Yes = False,
    rename: Rename = False,
    as_json: Json = False,
) -> int:
    """Bring program and configuration onto a board, start it, test it; go back if that fails.

    Exit status 0: it runs what was deployed. 1: it did not pass, and has what it had before.
    """
    from host_tools.deploy import command

    return command.main(command.Options(board, port, site, dry_run, yes, as_json, rename))


@app.command()
@examples(
    "provision --board arduino_opta --site site.toml",
    "provision --board arduino_opta --site site.toml --dry-run",
)
def provision(
    board: Kind,
    site: SiteFile,
    port: Port = "",
    folder: Annotated[
        str, typer.Option(help="Where a folder per gateway keeps its key and configuration.")
    ] = "devices",
    ca: Annotated[str, typer.Option(help="Certificates of the broker's authority.")] = "",
    cert: Annotated[str, typer.Option(help="Certificate of this gateway.")] = "",
    key: Annotated[str, typer.Option(help="Its key.")] = "",
    settings: Annotated[
        str, typer.Option("--board-json", help="board.json for it: addresses, polarity.")
    ] = "",
    new_key: Annotated[
        bool, typer.Option("--new-key", help="Another device.key: old orders mean nothing.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Check the files, touch neither board nor folder.")
    ] = False,
    yes: Yes = False,
    rename: Rename = False,
    as_json: Json = False,
) -> int:
    """Give a board its device.key and certificates; the key is kept here, too, never printed."""
    from host_tools.provision import command

    return command.main(
        command.Options(
            board=board,
            port=port,
            site=site,
            folder=Path(folder),
            authority=ca,
            certificate=cert,
            key=key,
            settings=settings,
            new_key=new_key,
            dry_run=dry_run,
            yes=yes,
            as_json=as_json,
            rename=rename,
        )
    )


@app.command()
@examples(
    "flash --board arduino_opta --image ARDUINO_OPTA.dfu --dry-run",
    "flash --board waveshare_esp32s3_eth_8di_8ro --image NEW.bin --erase",
)
def flash(
    board: Kind,
    image: Annotated[str, typer.Option(help="MicroPython's image for it, as boards/ names it.")],
    port: Port = "",
    erase: Annotated[
        bool,
        typer.Option("--erase", help="Also erase records, keys and configuration: a new board."),
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only print what would be run.")
    ] = False,
    yes: Yes = False,
    as_json: Json = False,
) -> int:
    """Bring MicroPython itself onto a board, by esptool or dfu-util; its relays open first.

    Exit status 0: written. 1: the tool failed. 2: nothing was begun.
    """
    from host_tools.flash import command

    return command.main(
        command.Options(
            board=board,
            image=Path(image),
            port=port,
            erase=erase,
            dry_run=dry_run,
            yes=yes,
            as_json=as_json,
        )
    )


@app.command()
def package(
    board: Annotated[str, typer.Option(help="Compile the whole program for this board.")] = "",
    out: Annotated[str, typer.Option(help="Folder for it, to be put on a web server.")] = "",
    check: Annotated[bool, typer.Option("--check", help="Write nothing, only compare.")] = False,
) -> None:
    """Write firmware/package.json for mpremote mip install; with --out a folder to be served.

    The folder needs no other server: it holds a board's compiled program, or all sources.
    """
    from host_tools.deploy import mip_package

    if board and not out:
        raise UserError("package --board: needs --out FOLDER")
    if board:
        mip_package.write_compiled(board, Path(out))
    elif out:
        mip_package.write_sources(Path(out))
    else:
        mip_package.build(check)


def _console_here() -> tuple[str, int]:
    """The console of a run on this machine."""
    from host_tools.run import ports

    return "127.0.0.1", ports.ports_from(ports.first_port()).console
