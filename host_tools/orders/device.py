"""What must be known of a gateway to order something: its names, its key, its broker."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from gateway.uplink.device_key import FILE as KEY_FILE
from gateway.uplink.device_key import read_key
from host_tools.errors import UserError

CONFIG = "config.json"


@dataclass(frozen=True)
class Device:
    """`broker` is a URL without an account: whoever orders has one of his own."""

    site: str
    gateway: str
    key: bytes
    broker: str

    @property
    def topic(self) -> str:
        """In front of every topic of this gateway."""
        return f"bess/v1/{self.site}/{self.gateway}/"


def load(folder: Path) -> Device:
    """From the folder whose files are on the device; UserError names what is wrong with one."""
    config = folder / CONFIG
    try:
        tree = json.loads(config.read_text())
        site, gateway = str(tree["site"]), str(tree["gateway"])
        uplink = tree.get("uplink", {})
        host, port = uplink.get("host", ""), int(uplink.get("port", 1883))
        scheme = "mqtts" if uplink.get("tls") else "mqtt"
    except OSError as error:
        raise UserError(
            f"{config}: {error.strerror}: name the gateway's folder with --config, or start a run"
        ) from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError(f"{config}: no configuration of a gateway ({error!r})") from error
    return Device(site, gateway, load_key(folder / KEY_FILE), f"{scheme}://{host}:{port}")


def load_key(path: Path) -> bytes:
    """The key in a file; UserError when there is none."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UserError(
            f"{path}: {error.strerror}: the key of the device belongs there"
            " (openssl rand -hex 32 makes one)"
        ) from error
    key = read_key(content)
    if key is None:
        raise UserError(f"{path}: no key: needs 32 bytes, raw or as 64 hex digits")
    return key
