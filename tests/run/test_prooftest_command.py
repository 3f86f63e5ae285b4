"""`gatewayctl prooftest` against a console that plays a gateway: what it says and its status."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager

import pytest

from gateway.northbound.console import Console as GatewayConsole
from host_tools.errors import UserError
from host_tools.prooftest import command
from host_tools.simulate.ports import HOST

DAY_S = 86_400
UTC_S = 1_800_000_000


def item(kind: str, name: str, days_left: int = 0, result: str = "none", utc_s=None):
    return {
        "kind": kind,
        "name": name,
        "utc_s": utc_s,
        "result": result,
        "days_left": days_left,
        "due": days_left == 0,
    }


RACK = item("rack", "rack01", 12, "passed", UTC_S)
SMOKE = item("input", "smoke")


class Gateway:
    """A console whose proof test goes through `story`: what each question is told, the last stays.

    `asked` are the arguments it got.
    """

    def __init__(self, *story, items=(RACK, SMOKE), clock_set=True, answer=None):
        self.story = list(story)
        self.items = list(items)
        self.clock_set = clock_set
        self.order = answer
        self.asked: list[str] = []

    def __call__(self, argument: str):
        self.asked.append(argument)
        if argument == "cancel":
            return {"withdrawn": "rack rack01"}
        if argument:
            return self.order or {"ordered": running("confirm")}
        state = {"items": self.items, "clock_set": self.clock_set, "write_errors": 0}
        told = (self.story.pop(0) if len(self.story) > 1 else self.story[0]) if self.story else {}
        return state | {"running": None, "last": None} | told


def running(state: str, kind: str = "rack", name: str = "rack01", changed=False, left_s=59):
    return {
        "number": 1,
        "kind": kind,
        "name": name,
        "state": state,
        "changed": changed,
        "left_ms": left_s * 1000,
    }


def ended(result: str, kind: str = "rack", name: str = "rack01", number: int = 1, kept=True):
    passed = result == "passed"
    last = {"number": number, "kind": kind, "name": name, "result": result, "passed": passed}
    return {"last": last | {"verdict": True, "kept": kept}}


@asynccontextmanager
async def serving(requests, questions=None):
    ports = []

    async def listen(handler, _port):
        server = await asyncio.start_server(handler, HOST, 0)
        ports.append(server.sockets[0].getsockname()[1])
        return server

    console = GatewayConsole(listen, 0, questions or {}, None, requests)
    await console.start()
    try:
        yield ports[0]
    finally:
        console.close()
        await asyncio.sleep(0.05)


@pytest.fixture(autouse=True)
def quick(monkeypatch) -> None:
    monkeypatch.setattr(command, "PERIOD_S", 0.01)
    monkeypatch.setattr(command, "PATIENCE_S", 0.2)


def run(gateway, what: str, name: str = "", as_json: bool = False, **serve) -> int:
    """The command as the command line calls it, in a thread of its own."""

    async def main() -> int:
        requests = {"prooftest": gateway} if gateway else {}
        async with serving(requests, **serve) as port:
            return await asyncio.to_thread(command.main, (HOST, port), what, name, as_json)

    return asyncio.run(main())


def test_the_list_has_what_is_due_first(capsys) -> None:
    assert run(Gateway(), "list") == 1
    assert capsys.readouterr().out.splitlines() == [
        "due           input  smoke   never tested",
        "in 12 days    rack   rack01  passed 2027-01-15 08:00 UTC",
        "1 of 2 are due",
    ]


def test_a_list_with_nothing_due_is_status_0(capsys) -> None:
    assert run(Gateway(items=[RACK]), "list", as_json=True) == 0
    assert json.loads(capsys.readouterr().out)["items"] == [RACK]


def test_the_list_says_what_is_under_way_and_that_there_is_no_clock(capsys) -> None:
    gateway = Gateway({"running": running("confirm")}, clock_set=False)
    assert run(gateway, "list") == 1
    out = capsys.readouterr().out
    assert "clock is not set" in out
    assert "rack rack01: push the reset button on the gateway within 60 s" in out


def test_a_rack_from_the_order_to_the_result(capsys) -> None:
    story = [
        {"running": running("confirm")},
        {"running": running("confirm", left_s=44)},
        {"running": running("confirm", left_s=43)},
        {"running": running("test")},
        ended("passed"),
    ]
    gateway = Gateway(*story)
    assert run(gateway, "rack", "rack01") == 0
    assert gateway.asked[0] == "rack/rack01"
    assert capsys.readouterr().out.splitlines() == [
        "rack rack01: push the reset button on the gateway within 60 s",
        "  44 s left",
        "rack rack01: confirmed, its relay opens for at most a second",
        "rack rack01: passed",
    ]


def test_an_input_says_what_to_do_next(capsys) -> None:
    smoke = ("input", "smoke")
    story = [
        {"running": running("test", *smoke)},
        {"running": running("test", *smoke, changed=True)},
        ended("did not come back", *smoke, kept=False),
    ]
    gateway = Gateway(*story, answer={"ordered": running("confirm", *smoke)})
    assert run(gateway, "input", "smoke") == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[1:] == [
        "input smoke: confirmed; make it change and come back within 60 s",
        "input smoke: it changed; now bring it back",
        "input smoke: did not come back",
        "the gateway's flash did not take the result: a restart will forget it",
    ]


def test_json_is_the_result_alone_and_what_to_do_goes_to_the_other_output(capsys) -> None:
    assert run(Gateway(ended("passed")), "rack", "rack01", as_json=True) == 0
    printed = capsys.readouterr()
    assert json.loads(printed.out)["result"] == "passed"
    assert "push the reset button" in printed.err


@pytest.mark.parametrize(
    ("what", "name", "words"),
    [
        ("door", "", "no 'door'; there are: list, rack, input"),
        ("rack", "", "needs the name of one rack"),
        ("input", "a b", "needs the name of one input"),
        ("list", "rack01", "takes no name"),
    ],
)
def test_nonsense_is_refused_before_anything_is_asked(what: str, name: str, words: str) -> None:
    with pytest.raises(UserError, match=words):
        command.main((HOST, 1), what, name, False)


def test_refusals_come_with_their_reason_and_the_list() -> None:
    flowing = Gateway(answer={"refused": "current flows: bring it to zero first"})
    with pytest.raises(UserError, match="rack/rack01: refused: current flows"):
        run(flowing, "rack", "rack01")
    unknown = Gateway(answer={"refused": "no such rack or input", "items": ["rack/a", "input/b"]})
    with pytest.raises(UserError, match="no such rack or input; there are: rack/a, input/b"):
        run(unknown, "rack", "rack01")


def test_a_gateway_in_safe_mode_and_one_that_knows_no_proof_tests() -> None:
    safe = {"status": lambda: {"mode": "safe", "reason": "config.crc is missing"}}
    with pytest.raises(UserError, match="in safe mode: config.crc is missing"):
        run(None, "list", questions=safe)
    old = {"status": lambda: {"mode": "run", "version": "0.0.9"}}
    with pytest.raises(UserError, match="knows no proof tests .version 0.0.9"):
        run(None, "rack", "rack01", questions=old)


@pytest.mark.parametrize(
    "told",
    [
        {},
        ended("passed", number=7),
        ended("passed", name="rack02"),
        {"running": running("test", name="x")},
    ],
)
def test_an_order_that_the_gateway_forgot_is_no_result(told) -> None:
    with pytest.raises(UserError, match="forgotten the order"):
        run(Gateway(told), "rack", "rack01")


def test_a_gateway_that_goes_away_in_mid_test() -> None:
    async def main() -> int:
        gateway = Gateway({"running": running("confirm")})
        async with serving({"prooftest": gateway}) as port:
            client = command.ConsoleClient(HOST, port, deadline_s=0.1)
            test = command.ProofTest(client, "here", "rack/rack01", False)
            running_test = asyncio.create_task(test.run())
            while len(gateway.asked) < 3:
                await asyncio.sleep(0.01)
            client.close()
            client._port = 1
            return await running_test

    with pytest.raises(UserError, match="how the test ended is unknown"):
        asyncio.run(main())


def test_an_interrupted_order_is_withdrawn(capsys) -> None:
    async def main() -> list[str]:
        gateway = Gateway({"running": running("confirm")})
        async with serving({"prooftest": gateway}) as port:
            client = command.ConsoleClient(HOST, port)
            test = asyncio.create_task(
                command.ProofTest(client, "here", "rack/rack01", False).run()
            )
            while len(gateway.asked) < 3:
                await asyncio.sleep(0.01)
            test.cancel()
            with pytest.raises(asyncio.CancelledError):
                await test
        return gateway.asked

    assert asyncio.run(main())[-1] == "cancel"
    assert capsys.readouterr().out.splitlines()[-1] == "withdrawn"


@pytest.mark.parametrize(
    ("text", "found"),
    [("", ("here", 1)), ("10.0.0.2:5050", ("10.0.0.2", 5050)), ("gw:1", ("gw", 1))],
)
def test_the_console_as_host_and_port(text: str, found) -> None:
    assert command.address(text, ("here", 1)) == found


@pytest.mark.parametrize("text", ["gw", ":1", "gw:", "gw:x", "gw:0", "gw:65536", "gw:-1"])
def test_a_console_that_is_no_address(text: str) -> None:
    with pytest.raises(UserError, match="--console"):
        command.address(text, ("here", 1))
