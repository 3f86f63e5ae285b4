"""Commands of `gatewayctl` that speak Modbus from the laptop: scan, probe, capture, replay.

Nothing heavy is imported here: each command imports its own folder when it is called.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from host_tools.cli_examples import examples
from host_tools.errors import UserError

if TYPE_CHECKING:
    from host_tools.probe.line import Where

app = typer.Typer()

Serial = Annotated[
    str, typer.Option("--serial", help="Serial port of an RS-485 adapter, or usb: the only one.")
]
Tcp = Annotated[str, typer.Option("--tcp", help="HOST or HOST:PORT.")]
Timeout = Annotated[float, typer.Option(min=0.02, help="Seconds for each answer.")]
Baud = Annotated[int, typer.Option(min=1200, max=230400)]
FrameOption = Annotated[str, typer.Option(help="8N1, 8E1 or 8N2.")]
Unit = Annotated[int, typer.Option(min=0, max=247, help="Unit id.")]
Map = Annotated[str, typer.Option("--map", help="Register map, a file of host_tools/maps.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command()
@examples(
    "scan --serial usb",
    "scan --serial /dev/ttyUSB0 --baud 9600 --units 1-12",
    "scan --tcp 192.168.10.21,192.168.10.22 --units 1",
)
def scan(
    serial: Serial = "",
    tcp: Annotated[
        str, typer.Option("--tcp", help="HOST or HOST:PORT, several with commas.")
    ] = "",
    units: Annotated[str, typer.Option(help="Unit ids, as in 1-16,247.")] = "1-16",
    baud: Annotated[str, typer.Option(help="Rates, with commas; empty: the usual ones.")] = "",
    frame: Annotated[str, typer.Option(help="8N1,8E1,8N2; empty: all of them.")] = "",
    only: Annotated[
        list[str] | None, typer.Option("--map", help="Maps to try; none: all of them.")
    ] = None,
    timeout: Timeout = 0.3,
    as_json: Json = False,
) -> int:
    """Find who answers on a line and which map fits; propose the lines of the site file.

    Only reads. On a serial line nobody else may ask meanwhile: disconnect the gateway.
    Exit status 0: somebody answered. 1: nobody did.
    """
    from host_tools.probe import scan as command

    serial = _serial("scan", serial, tcp)
    lines = (
        command.serial_lines(serial, baud, frame)
        if serial
        else command.tcp_lines(tcp, command.MODBUS_PORT)
    )
    numbers = command.numbers(units, "--units", 0, 247)
    return command.main(lines, numbers, only or [], timeout, as_json)


@app.command()
@examples(
    "probe rack_voltage_dv soc_pm --map generic-416s --serial usb",
    "probe 3:0x0006:2 4:100 --tcp 192.168.10.21 --unit 2",
    "probe 6:0x0300 --write 1 --tcp 192.168.10.21 --dry-run",
)
def probe(
    what: Annotated[
        list[str], typer.Argument(help="Names of the map, or FUNCTION:ADDRESS[:COUNT].")
    ],
    serial: Serial = "",
    tcp: Tcp = "",
    unit: Unit = 1,
    baud: Baud = 9600,
    frame: FrameOption = "8N1",
    map_name: Map = "",
    write: Annotated[
        int | None, typer.Option(help="Write this raw number to the one register, and ask first.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only print what would be written.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Write without a question.")] = False,
    timeout: Timeout = 1.0,
    as_json: Json = False,
) -> int:
    """Read registers of one unit, or write one, with the map's words for them.

    Exit status 0: done. 1: refused, or no answer.
    """
    from host_tools.probe import command

    where = _where("probe", serial, tcp, baud, frame)
    if write is None:
        if dry_run or yes:
            raise UserError("probe: --dry-run and --yes go with --write")
        return command.read(where, unit, what, map_name, timeout, as_json)
    if len(what) != 1:
        raise UserError("probe --write: needs one register")
    return command.write(
        where, unit, what[0], write, map_name, timeout, yes=yes, dry_run=dry_run, as_json=as_json
    )


@app.command()
@examples(
    "capture rack01.jsonl --serial usb --baud 9600 --frame 8N1",
    "capture rack01.jsonl --tcp 192.168.10.21 --duration 60",
)
def capture(
    out: Annotated[str, typer.Argument(help="File to write, a line of JSON per frame.")],
    serial: Serial = "",
    tcp: Tcp = "",
    baud: Baud = 9600,
    frame: FrameOption = "8N1",
    listen: Annotated[
        int, typer.Option(min=0, max=65535, help="With --tcp: port that the gateway is sent to.")
    ] = 1502,
    duration: Annotated[float, typer.Option(min=0, help="Seconds; 0 = until Ctrl-C.")] = 0,
    as_json: Json = False,
) -> int:
    """Write down what is said on a line: listening on a serial one, as a relay on TCP.

    On a serial line it only listens, and the gateway stays where it is.
    On TCP the gateway is sent to this laptop, which hands everything on.
    Exit status 0: frames were written. 1: none came.
    """
    from host_tools.probe import capture as command

    where = _where("capture", serial, tcp, baud, frame)
    return command.main(where, Path(out), listen, duration, as_json)


@app.command()
@examples(
    "replay rack01.jsonl --listen 1502",
)
def replay(
    recording: Annotated[str, typer.Argument(help="File that capture wrote.")],
    listen: Annotated[int, typer.Option(min=0, max=65535, help="Port to answer at.")] = 1502,
    duration: Annotated[float, typer.Option(min=0, help="Seconds; 0 = until Ctrl-C.")] = 0,
    as_json: Json = False,
) -> int:
    """Answer over Modbus TCP as the recorded racks did, for a gateway on this laptop or bench."""
    from host_tools.probe import replay as command

    return command.main(Path(recording), listen, duration, as_json)


def _serial(command: str, serial: str, tcp: str) -> str:
    """The serial port, "" for TCP; UserError without either, or with both."""
    from host_tools.cable.ports import choose

    if bool(serial) == bool(tcp):
        raise UserError(
            f"{command}: needs --serial PORT (usb: the only one there is) or --tcp HOST,"
            " one of them"
        )
    return choose(serial, "--serial") if serial else ""


def _where(name: str, serial: str, tcp: str, baud: int, frame: str) -> Where:
    from host_tools.probe import scan as command

    serial = _serial(name, serial, tcp)
    if tcp:
        return command.tcp_lines(tcp, command.MODBUS_PORT)[0]
    return command.serial_lines(serial, str(baud), frame)[0]
