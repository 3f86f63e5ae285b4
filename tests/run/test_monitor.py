"""The table and its source: a console, good, slow, broken or away."""

from __future__ import annotations

import asyncio
import io
import json
from contextlib import asynccontextmanager

import made_up_status
import pytest
from rich.console import Console

from gateway.northbound.console import Console as GatewayConsole
from host_tools.monitor.console_client import ConsoleClient, ConsoleError
from host_tools.monitor.display import open_display
from host_tools.monitor.table import one_line, render
from host_tools.simulate.ports import HOST

RACK = made_up_status.RACK | {"current_da": -897, "discharge_limit_da": 985}
STATUS = {
    "mode": "run",
    "reason": "",
    "uptime_ms": 12_345,
    "racks": [
        RACK,
        RACK
        | {
            "name": "rack02",
            "voltage_dv": 13_751,
            "current_da": 0,
            "relay": 0,
            "contactor": 0,
            "level": 3,
            "rule": "cell_overvoltage",
            "latched": True,
            "closing": "tripped, needs a reset",
        },
        RACK | {"name": "rack03", "quality": "stale", "unit": {"down": True}},
    ],
    "telemetry": {"stored": {"events": 90, "fine": 9}, "backlog": 7, "dropped": 0},
    "uplink": {"state": "up", "reconnects": 0},
    "heap": {"used": 409_600, "peak": 512_000, "free": 1},
    "events": [[7171, "rack02 trip: cell_overvoltage"]],
}


def drawn(status, note: str = "") -> str:
    console = Console(file=io.StringIO(), width=140)
    console.print(render("a title", ["rack01", "rack02", "rack03"], status, note))
    return console.file.getvalue()


def test_table_shows_every_rack_and_the_site() -> None:
    lines = drawn(STATUS).splitlines()
    assert "a title" in lines[0]
    rows = {line.split()[0]: line for line in lines if line}
    for text in ("1373.1", "-89.7", "50.3", "3298 3304", "23.0 24.5", "0.4", "good", "closed"):
        assert text in rows["rack01"]
    assert "157 98" in rows["rack01"]
    assert " open " in rows["rack02"] and rows["rack02"].endswith("L3")
    assert "rack02: L3 cell_overvoltage latched; tripped, needs a reset" in lines
    assert " stale " in rows["rack03"] and "rack03: does not answer" in lines
    # means and sums of the two racks whose data is good: 1374.1 V, -89.7 A, -123 kW
    for text in ("1374.1", "-89.7", "2/3 ok", "-123 kW"):
        assert text in rows["site"]
    assert "relays 2/3 closed, uplink up, stored 99, backlog 7" in rows["run"]
    assert "rack02 trip: cell_overvoltage" in rows["7.2"]


def test_table_before_the_first_answer_and_in_safe_mode() -> None:
    assert drawn(None).count("waiting") == 4
    safe = {"mode": "safe", "reason": "limits: missing", "racks": []}
    assert "safe: limits: missing" in drawn(safe)


def test_a_narrow_terminal_leaves_columns_out_and_cuts_nothing() -> None:
    """At 80 columns racks are still told apart, and every number that is shown is whole."""
    racks = [
        RACK | {"name": f"container-1-rack{n:02d}", "relay": 1, "contactor": 0} for n in (1, 2)
    ]
    for width, gone in ((140, ()), (80, ("age s", "SOC %", "degC"))):
        console = Console(file=io.StringIO(), width=width)
        console.print(render("t", [], STATUS | {"racks": racks, "events": []}, width=width))
        text = console.file.getvalue()
        assert "…" not in text
        head, *rows = [line for line in text.splitlines() if "rack" in line][:3]
        assert [word for word in ("age s", "SOC %", "degC") if word not in head] == list(gone)
        for number, row in enumerate(rows, 1):
            for value in (
                f"container-1-rack{number:02d} ",
                "1373.1",
                "-89.7",
                "3298 3304",
                "157 98",
            ):
                assert value in row
            assert "good" in row and "closed/open" in row


def test_of_a_long_name_the_end_is_shown() -> None:
    racks = [RACK | {"name": f"substation-north-container-3-rack{n:02d}"} for n in (1, 2)]
    text = drawn(STATUS | {"racks": racks})
    for number in (1, 2):
        assert f"…orth-container-3-rack{number:02d}  " in text


def test_table_says_that_its_source_went_away() -> None:
    assert "does not answer" in drawn(STATUS, "the gateway does not answer: gone")


def test_lines_in_place_of_a_table_where_there_is_no_terminal() -> None:
    file = io.StringIO()
    with open_display("a title", ["rack01"], Console(file=file, width=80)) as display:
        display.show(None)
        display.show(STATUS)
        display.show(STATUS)  # too early for another line
    lines = file.getvalue().splitlines()
    assert lines[0] == "a title: starting"
    assert len(lines) == 2
    assert "alarms: rack02 L3 cell_overvoltage latched" in lines[1]


def test_the_line_tells_a_stall_while_the_site_arms_anew() -> None:
    stalled = STATUS | {"counters": {"stalls": 1}, "armed": False, "racks": [RACK]}
    assert one_line(stalled).endswith("alarms: site: its protecting loop stood still: arming anew")
    assert one_line(stalled | {"armed": True}).endswith("alarms: none")


def test_how_often_the_loop_stood_still_stays_in_the_line_and_below_the_table() -> None:
    stalled = STATUS | {"counters": {"stalls": 3}, "armed": True}
    assert "relays 2/3 closed, stalls 3, uplink up" in one_line(stalled)
    assert "relays 2/3 closed, stalls 3, uplink up" in drawn(stalled)
    assert "stalls" not in drawn(STATUS | {"counters": {"stalls": 0}})


def test_a_terminal_gets_a_table_at_once() -> None:
    file = io.StringIO()
    console = Console(file=file, width=140, force_terminal=True)
    with open_display("a title", ["rack01"], console):
        assert "waiting" in file.getvalue()


# -- the console's client --


@asynccontextmanager
async def serving(handler):
    server = await asyncio.start_server(handler, HOST, 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


def ask(handler, words=("status",)):
    async def run():
        async with serving(handler) as port:
            client = ConsoleClient(HOST, port, deadline_s=0.3)
            try:
                return [await client.ask(word) for word in words]
            finally:
                client.close()
                await asyncio.sleep(0.05)

    return asyncio.run(run())


def test_client_and_the_gateways_own_console_understand_each_other() -> None:
    async def run():
        ports = []

        async def listen(handler, _port):
            server = await asyncio.start_server(handler, HOST, 0)
            ports.append(server.sockets[0].getsockname()[1])
            return server

        console = GatewayConsole(listen, 0, {"status": lambda: STATUS}, None)
        await console.start()
        client = ConsoleClient(HOST, ports[0])
        answers = [await client.ask("status"), await client.ask("nonsense")]
        client.close()
        console.close()
        await asyncio.sleep(0.05)
        return answers

    status, other = asyncio.run(run())
    assert status == STATUS
    assert other == {"commands": ["status"]}


async def _slow(reader, writer):
    await reader.read()  # until the client has had enough
    writer.close()


async def _closing(reader, writer):
    await reader.readline()
    writer.write(b'{"half":')
    writer.close()


async def _nonsense(reader, writer):
    await reader.readline()
    writer.write(b"hello\n")
    await writer.drain()
    writer.close()


async def _list(reader, writer):
    await reader.readline()
    writer.write(b"[]\n")
    await writer.drain()
    writer.close()


@pytest.mark.parametrize(
    ("handler", "words"),
    [
        (_slow, "no answer within 0.3 s"),
        (_closing, "closed the connection"),
        (_nonsense, "Expecting value"),
        (_list, "no JSON object"),
    ],
)
def test_whatever_the_console_does_wrong_is_one_kind_of_error(handler, words: str) -> None:
    with pytest.raises(ConsoleError, match=words):
        ask(handler)


def test_client_opens_a_new_connection_after_a_failure() -> None:
    connections = []

    async def second_time_good(reader, writer):
        connections.append(writer)
        await reader.readline()
        if len(connections) == 2:
            writer.write(json.dumps(STATUS).encode() + b"\n")
            await writer.drain()
        writer.close()

    async def run():
        async with serving(second_time_good) as port:
            client = ConsoleClient(HOST, port)
            with pytest.raises(ConsoleError):
                await client.ask("status")
            answer = await client.ask("status")
            client.close()
            return answer

    assert asyncio.run(run()) == STATUS


def test_nobody_there() -> None:
    with pytest.raises(ConsoleError, match="^Connection refused$"):
        asyncio.run(ConsoleClient(HOST, 1).ask("status"))
