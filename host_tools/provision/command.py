"""`gatewayctl provision`: key and certificates onto the board, and a copy of the key here."""

from __future__ import annotations

import ipaddress
import json
from dataclasses import dataclass
from pathlib import Path

from gateway.uplink import device_key
from host_tools.cable.ports import choose
from host_tools.cable.prompt import CableError, Prompt, RemoteError
from host_tools.deploy import boards
from host_tools.deploy.command import confirm_stop
from host_tools.deploy.deployment import ask_running
from host_tools.deploy.device import NEW, OLD, Device
from host_tools.deploy.identity import Identity, check_same
from host_tools.deploy.judge import Listener
from host_tools.deploy.program import DeviceFile
from host_tools.errors import UserError
from host_tools.monitor.console_client import ConsoleError
from host_tools.provision import secrets_folder
from host_tools.site import compile as site_compile
from host_tools.site import config_files
from host_tools.site.compile import Tree

_BOARD_FILE = "board.json"


@dataclass(frozen=True)
class Options:
    """As the command line has them; `folder` keeps one folder per gateway."""

    board: str
    port: str
    site: str
    folder: Path
    authority: str = ""
    certificate: str = ""
    key: str = ""
    settings: str = ""
    new_key: bool = False
    dry_run: bool = False
    yes: bool = False
    as_json: bool = False
    rename: bool = False


def main(options: Options) -> int:
    """Write everything, check it by its hash, start the board again; 0. No secret is printed."""
    kind = boards.find(options.board)
    if not options.site.endswith(".toml"):
        raise UserError(f"SITE: {options.site!r} is no site file (.toml)")
    _, tree = site_compile.load_site(options.site, need_racks=True, board=boards.settings(kind))
    config = site_compile.check(tree, options.site)
    gateway = config.text("gateway")
    folder = options.folder / gateway
    files, lines = _certificates(options, tree.get("uplink", {}), gateway)
    if options.settings:
        files.append(_board_file(Path(options.settings)))
    made = secrets_folder.lacks_key(folder, options.new_key)
    lines.append(f"device.key: {'a new one in' if made else 'that of'} {folder}")
    if options.dry_run:
        _tell_dry(options, gateway, lines, [*[file.path for file in files], device_key.FILE])
        return 0
    prompt = Prompt(choose(options.port))
    prompt.open()
    try:
        running = ask_running(prompt)
        wanted = Identity(config.text("site"), gateway)
        check_same(running, wanted, options.site, prompt.port, options.rename)
        confirm_stop(running, options.yes)
        files.append(DeviceFile(device_key.FILE, secrets_folder.device_key_of(folder, made)))
        config_files.write(folder / "config.json", tree)
        written = _write(Device(prompt, kind), files)
        if options.settings:
            _try_board_file(prompt, kind, bool(running))
    except (CableError, RemoteError) as error:
        raise UserError(
            f"{prompt.port}: {error}; check the cable, then provision again"
        ) from error
    finally:
        prompt.close()
    if options.as_json:
        print(json.dumps({"gateway": gateway, "folder": str(folder), "written": written}))
        return 0
    for line in lines:
        print(line)
    names = ", ".join(written) or "nothing: all of it was there"
    print(f"{gateway}: written and read back: {names}; restarted")
    return 0


def _tell_dry(options: Options, gateway: str, lines: list[str], names: list[str]) -> None:
    if options.as_json:
        print(json.dumps({"gateway": gateway, "would_write": names}))
        return
    print("\n".join(lines))
    print(f"{gateway}: dry run: nothing was written; would write {', '.join(names)}")


def _certificates(
    options: Options, uplink: Tree, gateway: str
) -> tuple[list[DeviceFile], list[str]]:
    """What goes onto the board beside its key; UserError before anything is touched."""
    files, lines = [], []
    if options.authority:
        content, fingerprint = secrets_folder.check_authority(Path(options.authority))
        name = _name(uplink, "ca_file", options.site)
        files.append(DeviceFile(name, content))
        lines.append(f"{name}: authority, SHA-256 begins with {fingerprint}")
    if bool(options.certificate) != bool(options.key):
        raise UserError("--cert and --key: both or none")
    if options.certificate:
        pair = (Path(options.certificate), Path(options.key))
        content, secret, text = secrets_folder.check_pair(*pair, gateway)
        name = _name(uplink, "cert_file", options.site)
        files.append(DeviceFile(name, content))
        files.append(DeviceFile(_name(uplink, "key_file", options.site), secret))
        lines.append(f"{name}: {text}")
    return files, lines


def _board_file(path: Path) -> DeviceFile:
    """board.json, as boards/parts/board_file.py reads it: one object; UserError for another.

    The board takes an address without a prefix for a network of its own, and reaches nobody.
    """
    try:
        content = path.read_bytes()
        entries = json.loads(content)
        if not isinstance(entries, dict):
            raise ValueError("needs one object")
        _check_network(str(entries.get("address", "")), str(entries.get("gateway", "")))
    except (OSError, ValueError) as error:
        raise UserError(f"{path}: {error}") from error
    return DeviceFile(_BOARD_FILE, content)


def _check_network(address: str, gateway: str) -> None:
    """As written in board.json, "" for none; ValueError."""
    if not address:
        return
    if "/" not in address:
        raise ValueError(f"address: needs its prefix, as {address}/24")
    try:
        network = ipaddress.IPv4Interface(address).network
    except ValueError:
        raise ValueError(
            f"address: {address!r} is none, needs one like 192.168.10.20/24"
        ) from None
    if gateway and ipaddress.IPv4Address(gateway) not in network:
        raise ValueError(f"gateway: {gateway} is not in {network}")


def _name(uplink: Tree, key: str, site: str) -> str:
    name = uplink.get(key, "")
    if not name or "/" in name:
        raise UserError(f"{site}: uplink.{key}: needs the name of the file on the board")
    return str(name)


def _write(device: Device, files: list[DeviceFile]) -> list[str]:
    device.take()
    device.hold()
    folder = device.kind.config
    device.call("remove", [f"{folder}/{file.path}{NEW}" for file in files])  # of a broken cable
    there = device.digests(folder, [file.path for file in files])
    written = []
    for file in files:
        if there.get(file.path) != file.digest:
            path = f"{folder}/{file.path}"
            if file.path == _BOARD_FILE:
                device.call("remove", [path + OLD])
                if file.path in there:
                    device.copy(path, path + OLD, there[file.path])
            device.write(path, file.content)
            written.append(file.path)
    device.restart()
    return written


def _try_board_file(prompt: Prompt, kind: boards.BoardKind, ran: bool) -> None:
    """The board itself knows what its board.json may hold: one that it refuses is taken back.

    One that was there already as well: a cable may have broken before it was tried. `ran`: a
    gateway answered before.
    """
    try:
        _, report = Listener(prompt.serial, lambda line: None).start()
    except ConsoleError as error:
        if ran:
            raise UserError(
                f"{prompt.port}: a gateway ran there and does not answer any more ({error}):"
                f" gatewayctl logs shows its last words; provision another {_BOARD_FILE}"
            ) from error
        return  # not deployed yet: the deployment's self-test will look at it
    problems = [each for each in report["board_problems"] if each.startswith(_BOARD_FILE)]
    if not problems:
        return
    device, path = Device(prompt, kind), f"{kind.config}/{_BOARD_FILE}"
    device.take()
    device.hold()
    before = device.digests(kind.config, [_BOARD_FILE + OLD])
    if before:
        device.call("replace", [(path + OLD, path)])
    else:
        device.call("remove", [path])
    device.restart()
    raise UserError(
        f"{problems[0]}: the board has {'the one of before' if before else 'none'} again"
    )
