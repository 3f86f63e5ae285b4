"""Flash in RAM that counts what it is asked for: each of these holds the processor on a board."""

from fake_hardware import MemoryStorage, _MemoryFile


class _CountedFile(_MemoryFile):
    def flush(self):
        changed = self._storage.files.get(self._name) != bytes(self._content)
        super().flush()
        self._storage.done += changed


class CountedFlash(MemoryStorage):
    """`done`: pages and small files written, and files deleted."""

    def __init__(self, files=None):
        super().__init__(files)
        self.done = 0

    def open(self, name, mode):
        if mode != "wb":
            return super().open(name, mode)
        super().open(name, mode)
        return _CountedFile(self, name, bytearray(), True)

    def segments(self):
        return sorted(name for name in self.files if name.endswith(".seg"))

    def remove(self, name):
        super().remove(name)
        self.done += 1
