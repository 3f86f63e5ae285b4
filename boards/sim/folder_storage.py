"""Storage contract over a folder of the host: where a laptop keeps what a board keeps on flash."""

from __future__ import annotations

import os


class FolderStorage:
    """Files of one folder; all methods raise OSError."""

    formatted = False

    def __init__(self, folder: str) -> None:
        self._folder = folder

    def open(self, name: str, mode: str) -> object:
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
