"""From the command line to the arguments of a command, and back from an answer to lines."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from host_tools.errors import UserError
from host_tools.orders import command, device
from host_tools.orders.command import Options

KEY = bytes(range(32))


def folder(tmp_path: Path, **uplink: object) -> Path:
    tree = {"site": "plant-7", "gateway": "gw-001", "uplink": {"host": "10.0.0.1"} | uplink}
    (tmp_path / "config.json").write_text(json.dumps(tree))
    (tmp_path / "device.key").write_text(KEY.hex() + "\n")
    return tmp_path


@pytest.mark.parametrize(
    ("name", "options", "args"),
    [
        ("status", {}, {}),
        ("status", {"rack": "rack01"}, {"rack": "rack01"}),
        ("log", {}, {}),
        ("acknowledge", {"rack": "all"}, {"rack": "all"}),
        ("limit", {"rack": "all", "charge": "40"}, {"rack": "all", "charge_da": 400}),
        ("limit", {"rack": "a", "charge": "0", "discharge": "0.1"}, {"charge_da": 0}),
        ("limit", {"rack": "a", "discharge": "configured"}, {"discharge_da": None}),
        ("limit", {"rack": "a", "discharge": "157.00"}, {"discharge_da": 1570}),
        ("prooftest", {}, {}),
        ("prooftest", {"item": "rack/rack01"}, {"item": "rack/rack01"}),
    ],
)
def test_arguments_in_the_units_of_the_gateway(name, options, args) -> None:
    found = command.arguments(name, Options(**options))
    assert {key: found[key] for key in args} == args
    assert len(found) == len(options)


@pytest.mark.parametrize(
    ("name", "options", "words"),
    [
        ("open", {}, "no 'open'; there are: status, log, acknowledge, limit, prooftest"),
        ("acknowledge", {}, "needs --rack"),
        ("limit", {"charge": "1"}, "needs --rack"),
        ("limit", {"rack": "all"}, "needs --charge, --discharge or both"),
        ("limit", {"rack": "a", "charge": "1.23"}, "--charge 1.23: needs amperes"),
        ("limit", {"rack": "a", "charge": "-1"}, "needs amperes"),
        ("limit", {"rack": "a", "charge": "nan"}, "needs amperes"),
        ("limit", {"rack": "a", "charge": "1e999999"}, "needs amperes"),
        ("limit", {"rack": "a", "discharge": "much"}, "--discharge much: needs amperes"),
        ("log", {"rack": "a"}, "command log: takes no --rack"),
        ("status", {"item": "rack/a"}, "takes no --item"),
        ("prooftest", {"charge": "1"}, "takes no --charge"),
    ],
)
def test_nonsense_is_refused_before_anything_is_sent(name, options, words) -> None:
    with pytest.raises(UserError) as refusal:
        command.arguments(name, Options(**options))
    assert words in str(refusal.value)


def test_a_device_is_known_by_the_files_that_are_on_it(tmp_path: Path) -> None:
    found = device.load(folder(tmp_path))
    assert found == device.Device("plant-7", "gw-001", KEY, "mqtt://10.0.0.1:1883")
    assert found.topic == "bess/v1/plant-7/gw-001/"
    found = device.load(folder(tmp_path, tls=1, port=8884))
    assert found.broker == "mqtts://10.0.0.1:8884"


def test_what_is_wrong_with_the_files_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="config.json: No such file.*--config"):
        device.load(tmp_path)
    folder(tmp_path)
    (tmp_path / "device.key").write_text("00")
    with pytest.raises(UserError, match="device.key: no key: needs 32 bytes"):
        device.load(tmp_path)
    (tmp_path / "device.key").unlink()
    with pytest.raises(UserError, match="device.key: No such file.*openssl rand"):
        device.load(tmp_path)
    for text in ("", "[]", "{}", '{"site": "a", "gateway": "b", "uplink": {"port": "x"}}'):
        (tmp_path / "config.json").write_text(text)
        with pytest.raises(UserError, match="config.json: no configuration"):
            device.load(tmp_path)


def test_answers_as_lines() -> None:
    racks = [
        {"rack": "rack01", "charge_da": 400, "discharge_da": None},
        {"rack": "rack02", "charge_da": 0, "discharge_da": 5},
    ]
    expected = [
        "rack01: charge at most 40.0 A, discharge as configured",
        "rack02: charge at most 0.0 A, discharge at most 0.5 A",
    ]
    assert command.lines("limit", {"racks": racks, "kept": True}) == expected
    answer = {"racks": {"rack01": "released"}}
    assert command.lines("acknowledge", answer) == ["rack01: released"]
    assert command.lines("log", {"log": ["a", "b"]}) == ["a", "b"]
    assert command.lines("prooftest", {"withdrawn": "rack rack01"}) == ["rack rack01: withdrawn"]
    ordered = {"ordered": {"kind": "rack", "name": "rack01"}}
    assert "push the reset button" in command.lines("prooftest", ordered)[0]
    status = {
        "mode": "run",
        "clock": {"quality": 2},
        "of_each_rack": ["name", "level"],
        "racks": [["rack01", 0], ["r2", 13]],
    }
    assert command.lines("status", status) == [
        "mode: run",
        'clock: {"quality": 2}',
        "name    level",
        "rack01  0",
        "r2      13",
    ]
    rack = {"unit": {"down": False}, "name": "r", "latches": [], "level": 1}
    assert command.lines("status", {"rack": rack}) == [
        "level: 1",
        "name: r",
        "latches: []",
        'unit: {"down": false}',
    ]


LIMITED = {"racks": [{"rack": "rack01", "charge_da": 400, "discharge_da": None}]}


@pytest.mark.parametrize(
    ("name", "answer", "status", "words"),
    [
        ("acknowledge", {"racks": {"rack01": "released"}}, 0, ""),
        ("limit", LIMITED | {"kept": True}, 0, ""),
        (
            "limit",
            LIMITED | {"kept": False, "note": "not kept yet: tried every second"},
            2,
            "gateway gw-001: limit: done, but not kept yet: the flash did not take it, and until"
            " it does a restart brings the old limits back; the gateway goes on trying",
        ),
        (
            "acknowledge",
            {"racks": {"rack01": "no data"}, "refused": "nothing released: rack01: no data"},
            2,
            "gateway gw-001: acknowledge: refused: nothing released: rack01: no data",
        ),
        (
            "acknowledge",
            {"racks": {"rack01": "released", "rack02": "no data"}, "but": "rack02: no data"},
            2,
            "gateway gw-001: acknowledge: done, but rack02: no data",
        ),
    ],
)
def test_only_what_was_done_as_a_whole_ends_well(
    tmp_path: Path, monkeypatch, capsys, name: str, answer, status: int, words: str
) -> None:
    class Answering:
        def __init__(self, *_: object) -> None:
            pass

        async def order(self, _name: str, _args: object) -> dict[str, object]:
            return {"answer": answer}

    monkeypatch.setattr(command, "Exchange", Answering)
    charge = "40" if name == "limit" else ""
    options = Options(rack="all", charge=charge, config=folder(tmp_path))
    try:
        ended = command.main(name, options)
        text = ""
    except UserError as error:  # what `gatewayctl` turns into status 2 and this line
        ended, text = 2, str(error)
    assert (ended, text) == (status, words)
    told = capsys.readouterr().out
    assert ("rack01: " in told) == ("refused" not in answer)
