"""Commands of `gatewayctl` that speak Modbus from the laptop: scan, probe, capture, replay.

Nothing heavy is imported here: each command imports its own folder when it is called.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from host_tools.errors import UserError

if TYPE_CHECKING:
    from host_tools.probe.line import Where

app = typer.Typer()

Serial = Annotated[str, typer.Option("--serial", help="Serial port of an RS-485 adapter.")]
Tcp = Annotated[str, typer.Option("--tcp", help="HOST or HOST:PORT.")]
Timeout = Annotated[float, typer.Option(min=0.02, help="Seconds for each answer.")]
Baud = Annotated[int, typer.Option(min=1200, max=230400)]
FrameOption = Annotated[str, typer.Option(help="8N1, 8E1 or 8N2.")]
Unit = Annotated[int, typer.Option(min=0, max=247, help="Unit id.")]
Map = Annotated[str, typer.Option("--map", help="Register map, a file of host_tools/maps.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command()
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

    if bool(serial) == bool(tcp):
        raise UserError("scan: needs --serial PORT or --tcp HOST, one of them")
    lines = (
        command.serial_lines(serial, baud, frame)
        if serial
        else command.tcp_lines(tcp, command.MODBUS_PORT)
    )
    numbers = command.numbers(units, "--units", 0, 247)
    return command.main(lines, numbers, only or [], timeout, as_json)


@app.command()
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
    yes: Annotated[bool, typer.Option("--yes", help="Write without a question.")] = False,
    timeout: Timeout = 1.0,
    as_json: Json = False,
) -> int:
    """Read registers of one unit, or write one, with the map's words for them.

    Exit status 0: done. 1: refused, or no answer.
    """
    from host_tools.probe import command

    where = _where(serial, tcp, baud, frame)
    if write is None:
        return command.read(where, unit, what, map_name, timeout, as_json)
    if len(what) != 1:
        raise UserError("probe --write: needs one register")
    return command.write(where, unit, what[0], write, map_name, timeout, yes)


@app.command()
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
) -> int:
    """Write down what is said on a line: listening on a serial one, as a relay on TCP."""
    from host_tools.probe import capture as command

    return command.main(_where(serial, tcp, baud, frame), Path(out), listen, duration)


@app.command()
def replay(
    recording: Annotated[str, typer.Argument(help="File that capture wrote.")],
    listen: Annotated[int, typer.Option(min=0, max=65535, help="Port to answer at.")] = 1502,
    duration: Annotated[float, typer.Option(min=0, help="Seconds; 0 = until Ctrl-C.")] = 0,
) -> int:
    """Answer over Modbus TCP as the recorded racks did, for a gateway on this laptop or bench."""
    from host_tools.probe import replay as command

    return command.main(Path(recording), listen, duration)


def _where(serial: str, tcp: str, baud: int, frame: str) -> Where:
    from host_tools.probe import scan as command

    if bool(serial) == bool(tcp):
        raise UserError("needs --serial PORT or --tcp HOST, one of them")
    if tcp:
        return command.tcp_lines(tcp, command.MODBUS_PORT)[0]
    return command.serial_lines(serial, str(baud), frame)[0]
