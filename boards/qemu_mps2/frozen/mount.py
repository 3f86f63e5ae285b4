"""Runs at every start, before main.py: the root filesystem, a count of starts for the host."""

import os

import exchange
import machine
import vfs
from flash_window import FlashWindow
from volume_storage import littlefs

machine.mem32[exchange.PSRAM + exchange.WORDS + exchange.BOOTS] += 1
_root = "/flash" if machine.mem32[exchange.PSRAM + exchange.WORDS + exchange.ROOT_AT] else "/"
vfs.mount(littlefs(FlashWindow(exchange.ROOT))[0], _root)
os.chdir(_root)
