"""The two files that a device starts from: its configuration, and the checksum it must fit."""

from __future__ import annotations

import json
from pathlib import Path

from gateway.config.file import checksum_text
from host_tools.errors import UserError
from host_tools.site.compile import Tree

_CRC_SUFFIX = ".crc"


def write(path: Path, tree: Tree) -> Path:
    """Write `tree` to `path` and its checksum beside it; path of the second.

    The checksum comes last: what is cut off in between is refused by the device. UserError when
    something cannot be written.
    """
    checksum = path.with_suffix(_CRC_SUFFIX)
    if checksum == path:
        raise UserError(
            f"{path}: {_CRC_SUFFIX} is for the checksum: needs a name like config.json"
        )
    content = (json.dumps(tree, indent=1) + "\n").encode()
    for file, text in ((path, content), (checksum, checksum_text(content))):
        try:
            file.write_bytes(text)
        except OSError as error:
            raise UserError(f"{file}: {error.strerror}") from error
    return checksum
