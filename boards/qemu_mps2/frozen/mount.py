"""Runs at every start, before main.py: the root filesystem, a count of starts for the host."""

import exchange
import flash_window
import machine
import vfs

machine.mem32[exchange.PSRAM + exchange.WORDS + exchange.BOOTS] += 1
_device = flash_window.FlashWindow(exchange.ROOT)
_options = {"progsize": 32, "readsize": 256, "lookahead": 256}
try:
    _volume = vfs.VfsLfs2(_device, **_options)
except OSError:
    vfs.VfsLfs2.mkfs(_device, **_options)
    _volume = vfs.VfsLfs2(_device, **_options)
vfs.mount(_volume, "/")
