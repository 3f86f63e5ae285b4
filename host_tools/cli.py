"""`gatewayctl`: one command, a sub-command per job.

Nothing heavy is imported here: each command imports its own folder when it is called, so help
and the start of a run stay quick. The only place that turns an error into a line and a status.
"""

from __future__ import annotations

import sys
from contextlib import suppress
from typing import Annotated

import typer

from host_tools import cli_boards, cli_lines
from host_tools.errors import UserError

BAD_INPUT = 2
INTERRUPTED = 130  # 128 + SIGINT

app = typer.Typer(
    name="gatewayctl",
    help="Simulate, configure, watch and diagnose the site gateway.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
site_app = typer.Typer(help="Check and compile site files.", no_args_is_help=True)
maps_app = typer.Typer(help="Register maps of rack BMS.", no_args_is_help=True)
matrix_app = typer.Typer(
    help="Proof that every protection reaches its output.", no_args_is_help=True
)
app.add_typer(cli_boards.app)
app.add_typer(cli_lines.app)
app.add_typer(site_app, name="site")
app.add_typer(maps_app, name="maps")
app.add_typer(matrix_app, name="matrix")

Site = Annotated[str, typer.Option(help="Product or site to simulate.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Authority = Annotated[
    str, typer.Option("--ca", help="Certificates of the broker's authority, PEM.")
]
Certificate = Annotated[str, typer.Option("--cert", help="Certificate of this client, PEM.")]
CertificateKey = Annotated[str, typer.Option("--key", help="Its key, PEM.")]


@app.command()
def run(
    site: Site = "energalactic-5015-0.5c",
    scenario: Annotated[
        str, typer.Option(help="What goes wrong, and when: a name, or a .toml file.")
    ] = "normal",
    duration: Annotated[int, typer.Option(min=0, help="Seconds; 0 = until Ctrl-C.")] = 0,
    interpreter: Annotated[str, typer.Option(help="micropython or cpython.")] = "micropython",
    bus: Annotated[
        str, typer.Option(help="tcp or rtu; empty: as the site or scenario file has it.")
    ] = "",
) -> int:
    """Run a whole simulated site: racks, gateway, broker, live table."""
    from host_tools.run import command

    try:
        return command.main(site, scenario, duration, interpreter, bus)
    except KeyboardInterrupt:
        # Ctrl-C is how a run without an end ends
        return INTERRUPTED if duration else 0


@app.command()
def simulate(
    site: Annotated[str, typer.Option(help="Product to simulate.")] = "energalactic-5015-0.5c",
    base_port: Annotated[int, typer.Option(help="First rack's TCP port.")] = 15020,
    map_name: Annotated[
        str, typer.Option("--map", help="Register map the racks speak.")
    ] = "generic-416s",
    bus: Annotated[
        str, typer.Option(help="tcp: a port per rack; rtu: one line of 115200 baud.")
    ] = "tcp",
    fault: Annotated[str, typer.Option(help="What goes wrong with one rack from the start.")] = "",
    rack: Annotated[
        int, typer.Option(min=0, help="The rack it goes wrong with, from 1 (that is the default).")
    ] = 0,
) -> None:
    """Serve the racks of a site over Modbus until Ctrl-C."""
    import asyncio

    from host_tools.simulate import command

    with suppress(KeyboardInterrupt):
        asyncio.run(
            command.serve(site, base_port, map_name=map_name, bus=bus, fault=fault, rack=rack)
        )


@site_app.command("check")
def site_check(
    site: Annotated[str, typer.Argument(help="Site file or product.")],
    board: Annotated[str, typer.Option(help="Has this board enough relays and inputs?")] = "",
    as_json: Json = False,
) -> None:
    """Explain what is wrong with a site file, and list what is looser than the defaults."""
    from host_tools.site import command

    command.check(site, as_json, board)


@site_app.command("build")
def site_build(
    site: Annotated[str, typer.Argument(help="Site file or product.")],
    out: Annotated[str, typer.Option(help="Device configuration to write.")],
) -> None:
    """Compile a site file to the device's configuration."""
    from host_tools.site import command

    command.build(site, out)


@maps_app.command("build")
def maps_build(
    check: Annotated[bool, typer.Option("--check", help="Write nothing, only compare.")] = False,
) -> None:
    """Generate the firmware's register maps and their documentation from the CSV files."""
    from host_tools.maps import command

    command.build(check)


@matrix_app.command("build")
def matrix_build(
    check: Annotated[bool, typer.Option("--check", help="Write nothing, only compare.")] = False,
) -> None:
    """Write the table of every rule and level with its test."""
    from host_tools.protection_matrix import command

    command.build(check)


@matrix_app.command("run")
def matrix_run(
    name: Annotated[str, typer.Argument(help="A run of the table.")],
    interpreter: Annotated[str, typer.Option(help="micropython or cpython.")] = "micropython",
) -> int:
    """Do one run of the table and write down every change of an output."""
    from host_tools.protection_matrix import command

    return command.run(name, interpreter)


@app.command()
def bench(
    only: Annotated[str, typer.Option(help="One group; empty: all of them.")] = "",
    quick: Annotated[bool, typer.Option("--quick", help="Shortened, to try it out.")] = False,
) -> int:
    """Measure and write the figures into build/bench.json."""
    from host_tools.bench import command

    return command.main(only, quick)


@app.command()
def mutate(
    only: Annotated[list[str] | None, typer.Argument(help="Modules; none: all of them.")] = None,
    minutes: Annotated[float, typer.Option(min=0, help="Then stop; a next run goes on.")] = 60,
    processes: Annotated[int, typer.Option(min=1, help="Mutants at a time.")] = 2,
    again: Annotated[bool, typer.Option("--again", help="Forget what was found.")] = False,
) -> int:
    """Change protection and outputs a little, again and again: does a test fail each time?"""
    from host_tools.mutate import command

    return command.main(only or [], minutes, processes, again)


@app.command()
def decode(
    sources: Annotated[
        list[str], typer.Argument(help="Flash images, saved messages, folders of them.")
    ],
    as_json: Json = False,
    csv: Annotated[str, typer.Option(help="Folder for a CSV file per table.")] = "",
    parquet: Annotated[str, typer.Option(help="Folder for Parquet files; adds to it.")] = "",
    plot: Annotated[str, typer.Option(help="Drawing to write, .html or .svg.")] = "",
) -> int:
    """Print telemetry from flash images and saved messages, or write it to files.

    Exit status 0: all of it was read. 1: something is damaged or missing, and named.
    """
    from host_tools.decode import command

    return command.main(sources, as_json, csv, parquet, plot)


@app.command()
def ingest(
    broker: Annotated[
        str,
        typer.Option(
            envvar="GATEWAYCTL_BROKER", help="mqtt://USER:PASSWORD@HOST:PORT or mqtts://"
        ),
    ] = "mqtt://127.0.0.1:1883",
    database: Annotated[
        str,
        typer.Option(
            envvar="GATEWAYCTL_DATABASE",
            help="DuckDB file, parquet:FOLDER, postgresql:// or clickhouse://",
        ),
    ] = "telemetry.duckdb",
    group: Annotated[
        str, typer.Option(help="Workers of one group share the messages.")
    ] = "ingest",
    workers: Annotated[int, typer.Option(min=1, max=64, help="Processes.")] = 1,
    name: Annotated[
        str, typer.Option(help="Names the workers at the broker, the same at every start.")
    ] = "",
    dead_letters: Annotated[
        str, typer.Option(help="Folder for messages that cannot be read.")
    ] = "dead-letters",
    ca: Authority = "",
    cert: Certificate = "",
    key: CertificateKey = "",
    idle: Annotated[
        float, typer.Option(min=0, help="End when nothing came for so many seconds; 0 = never.")
    ] = 0,
    leave: Annotated[
        bool,
        typer.Option("--leave", help="Take these workers out of the group: store the rest, end."),
    ] = False,
    as_json: Json = False,
) -> int:
    """Store what gateways send in a database, each record once, until Ctrl-C."""
    from host_tools.ingest import command

    return command.main(
        command.Options(
            broker=broker,
            database=database,
            group=group,
            name=name,
            workers=workers,
            dead_letters=dead_letters,
            authority=ca,
            certificate=cert,
            key=key,
            idle_s=idle,
            leave=leave,
            as_json=as_json,
        )
    )


@app.command()
def prooftest(
    what: Annotated[str, typer.Argument(help="list, rack or input.")] = "list",
    name: Annotated[str, typer.Argument(help="Name of the rack or input to test.")] = "",
    console: Annotated[
        str, typer.Option(help="Gateway's console, HOST:PORT; empty: that of a run here.")
    ] = "",
    as_json: Json = False,
) -> int:
    """List relays and inputs that are due for a proof test, or test one with a person on site.

    Exit status 0: nothing is due, the test was passed. 1: something is due, not passed. 2: the
    gateway cannot be asked or refuses.
    """
    from host_tools.prooftest import command
    from host_tools.run import ports

    here = ("127.0.0.1", ports.ports_from(ports.first_port()).console)
    return command.main(command.address(console, here), what, name, as_json)


@app.command("command")
def order(
    name: Annotated[
        str, typer.Argument(help="status, log, acknowledge, limit or prooftest.")
    ] = "status",
    rack: Annotated[str, typer.Option(help="Name of a rack, or all.")] = "",
    charge: Annotated[
        str, typer.Option(help="limit: at most so many amperes, or 'configured'.")
    ] = "",
    discharge: Annotated[str, typer.Option(help="limit: the same for discharging.")] = "",
    item: Annotated[
        str, typer.Option(help="prooftest: rack/NAME, input/NAME or cancel; empty: what is due.")
    ] = "",
    config: Annotated[
        str,
        typer.Option(help="Folder with the device's config.json and device.key; empty: a run's."),
    ] = "",
    broker: Annotated[
        str,
        typer.Option(
            envvar="GATEWAYCTL_BROKER",
            help="mqtt://USER:PASSWORD@HOST:PORT or mqtts://; empty: as config.json has it.",
        ),
    ] = "",
    ca: Authority = "",
    cert: Certificate = "",
    key: CertificateKey = "",
    patience: Annotated[float, typer.Option(min=0.1, help="Seconds to wait for the reply.")] = 10,
    as_json: Json = False,
) -> int:
    """Order something of a gateway over its broker, signed with its device.key.

    Exit status 0: done. 2: refused, or no signed reply.
    """
    from pathlib import Path

    from host_tools.orders import command
    from host_tools.run import device_files

    return command.main(
        name,
        command.Options(
            rack=rack,
            charge=charge,
            discharge=discharge,
            item=item,
            config=Path(config) if config else device_files.of_a_run_here(),
            broker=broker,
            authority=ca,
            certificate=cert,
            certificate_key=key,
            patience_s=patience,
            as_json=as_json,
        ),
    )


@app.command()
def toolchain(
    as_json: Json = False,
    build: Annotated[bool, typer.Option("--build", help="Build MicroPython now.")] = False,
) -> None:
    """Show which MicroPython and which programs this machine has."""
    from host_tools.toolchain import command

    if build:
        command.build_micropython()
    else:
        command.show(as_json)


def main(arguments: list[str] | None = None) -> int:
    """Run one command; its exit status. Bad input is 2, Ctrl-C is 130."""
    try:
        status = app(arguments, prog_name="gatewayctl", standalone_mode=False)
    except UserError as error:
        return _refuse(str(error))
    except typer.TyperException as error:
        # a usage error: unknown command, bad option value; empty when the help was just printed
        message = error.format_message()
        return _refuse(f"{message} (gatewayctl --help)") if message else BAD_INPUT
    except (KeyboardInterrupt, typer.Abort):
        return INTERRUPTED
    return status if isinstance(status, int) else 0


def _refuse(line: str) -> int:
    print(f"gatewayctl: {line}", file=sys.stderr)
    return BAD_INPUT
