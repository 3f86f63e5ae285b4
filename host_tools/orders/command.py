"""`gatewayctl command`: order something of a gateway far away, and print what became of it."""

from __future__ import annotations

import asyncio
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from host_tools.errors import UserError
from host_tools.ingest import broker_address
from host_tools.orders import device
from host_tools.orders.exchange import Exchange

COMMANDS = ("status", "log", "acknowledge", "limit", "prooftest")
CONFIGURED = "configured"
_NOT_KEPT = (
    "not kept yet: the flash did not take it, and until it does a restart brings the old limits"
    " back; the gateway goes on trying"
)
_TAKES = {
    "rack": ("status", "acknowledge", "limit"),
    "charge": ("limit",),
    "discharge": ("limit",),
    "item": ("prooftest",),
}


@dataclass(frozen=True)
class Options:
    """As on the command line; "" where nothing was said."""

    rack: str = ""
    charge: str = ""
    discharge: str = ""
    item: str = ""
    config: Path = Path()
    broker: str = ""
    authority: str = ""
    certificate: str = ""
    certificate_key: str = ""
    patience_s: float = 10.0
    as_json: bool = False


def main(name: str, options: Options) -> int:
    """Order `name` and print the answer: 0. UserError when it is refused, done in part, or
    nobody answers.
    """
    args = arguments(name, options)
    target = device.load(options.config)
    address = broker_address.parse(
        options.broker or target.broker,
        options.authority,
        options.certificate,
        options.certificate_key,
    )
    exchange = Exchange(target, address, options.patience_s)
    reply = asyncio.run(exchange.order(name, args))
    answer = reply["answer"]
    if options.as_json:
        print(json.dumps(reply))
    if "refused" in answer:
        known = ", ".join(answer.get("items", []))
        raise UserError(
            f"gateway {target.gateway}: {name}: refused: {answer['refused']}"
            + (f"; there are: {known}" if known else "")
        )
    if not options.as_json:
        print("\n".join(lines(name, answer)))
    but = _NOT_KEPT if answer.get("kept") is False else answer.get("but")
    if but:
        raise UserError(f"gateway {target.gateway}: {name}: done, but {but}")
    return 0


def arguments(name: str, options: Options) -> dict[str, Any]:
    """Arguments of the command in the gateway's units; UserError for what does not fit it."""
    if name not in COMMANDS:
        raise UserError(f"command: no {name!r}; there are: {', '.join(COMMANDS)}")
    for option, commands in _TAKES.items():
        if getattr(options, option) and name not in commands:
            raise UserError(f"command {name}: takes no --{option}")
    args: dict[str, Any] = {}
    if options.rack:
        args["rack"] = options.rack
    elif name in ("acknowledge", "limit"):
        raise UserError(f"command {name}: needs --rack NAME, or --rack all")
    for option in ("charge", "discharge"):
        text = getattr(options, option)
        if text:
            args[f"{option}_da"] = current_da(f"--{option}", text)
    if name == "limit" and len(args) == 1:
        raise UserError("command limit: needs --charge, --discharge or both")
    if options.item:
        args["item"] = options.item
    return args


def current_da(option: str, text: str) -> int | None:
    """A current in 0.1 A; None for "configured"."""
    if text == CONFIGURED:
        return None
    parts = re.fullmatch(r"([0-9]{1,5})(?:\.([0-9])0*)?", text)
    if parts is None:
        raise UserError(
            f"{option} {text}: needs amperes with at most one decimal, or {CONFIGURED!r}"
        )
    return int(parts[1]) * 10 + int(parts[2] or 0)


def lines(name: str, answer: dict[str, Any]) -> list[str]:
    """An answer for a person."""
    return _TEXTS[name](answer)


def _status(answer: dict[str, Any]) -> list[str]:
    if "rack" in answer:
        return [f"{key}: {_plain(value)}" for key, value in _in_order(answer["rack"])]
    names = answer["of_each_rack"]
    rows = [[_plain(value) for value in rack] for rack in answer["racks"]]
    widths = [max(len(row[at]) for row in [names, *rows]) for at in range(len(names))]
    table = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in [names, *rows]
    ]
    site = [
        f"{key}: {_plain(value)}"
        for key, value in _in_order(answer)
        if key not in ("racks", "of_each_rack")
    ]
    return site + table


def _in_order(tree: dict[str, Any]) -> list[tuple[str, Any]]:
    """Whatever order the device's JSON had; what is short to say first."""
    return sorted(tree.items(), key=lambda item: (isinstance(item[1], (dict, list)), item[0]))


def _plain(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _log(answer: dict[str, Any]) -> list[str]:
    return list(answer["log"])


def _acknowledge(answer: dict[str, Any]) -> list[str]:
    return [f"{rack}: {result}" for rack, result in sorted(answer["racks"].items())]


def _limit(answer: dict[str, Any]) -> list[str]:
    return [
        f"{each['rack']}: charge {_amperes(each['charge_da'])},"
        f" discharge {_amperes(each['discharge_da'])}"
        for each in answer["racks"]
    ]


def _amperes(value_da: int | None) -> str:
    return "as configured" if value_da is None else f"at most {value_da / 10:.1f} A"


def _prooftest(answer: dict[str, Any]) -> list[str]:
    from host_tools.prooftest.command import lines as state_lines

    if "ordered" in answer:
        ordered = answer["ordered"]
        what = f"{ordered['kind']} {ordered['name']}"
        return [f"{what}: somebody on site must push the reset button within 60 s"]
    if "withdrawn" in answer:
        return [f"{answer['withdrawn']}: withdrawn"]
    return state_lines(answer)


_TEXTS = {
    "status": _status,
    "log": _log,
    "acknowledge": _acknowledge,
    "limit": _limit,
    "prooftest": _prooftest,
}
