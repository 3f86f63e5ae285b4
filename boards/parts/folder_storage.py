"""Storage contract over a folder of the filesystem; as safe as that is."""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class FolderStorage:
    """Files of one folder; all methods raise OSError."""

    formatted = False

    def __init__(self, folder: str) -> None:
        self._folder = folder

    def open(self, name: str, mode: str) -> Any:
        """Open a file, binary modes only."""
        return open(self._folder + "/" + name, mode)

    def names(self) -> list[str]:
        """Names of all files."""
        return os.listdir(self._folder)

    def remove(self, name: str) -> None:
        """Delete a file."""
        os.remove(self._folder + "/" + name)

    def rename(self, old: str, new: str) -> None:
        """Rename a file, replacing `new`."""
        os.rename(self._folder + "/" + old, self._folder + "/" + new)
