"""Stand-ins for what only hardware can be: relays, files on flash that fails, time."""

from gateway.clock import TICKS_MASK, add


class HandClock:
    """Moves only when told. Ticks wrap like the real ones; utc is uptime past 2026."""

    utc_quality = 1

    def __init__(self, ticks=0):
        self._ticks = ticks & TICKS_MASK
        self._uptime_ms = 0

    def ticks(self):
        return self._ticks

    def uptime_ms(self):
        return self._uptime_ms

    def utc_ms(self):
        return 1800000000000 + self._uptime_ms

    def advance(self, delta_ms):
        self._ticks = add(self._ticks, delta_ms)
        self._uptime_ms += delta_ms
        return self._ticks


class FakeRelays:
    """Remembers the state of each relay and every change of it; while `deaf` none follows.

    `faults` is what its driver says of itself.
    """

    def __init__(self, count):
        self.count = count
        self.faults = 0
        self.deaf = False
        self.state = bytearray(count)
        self.changes = 0

    def set(self, number, energised):
        if self.state[number] != energised and not self.deaf:
            self.changes += 1
            self.state[number] = energised

    def fault(self):
        return self.faults


class FakeDeadMan:
    """Counts how often it was toggled."""

    def __init__(self):
        self.toggles = 0

    def toggle(self):
        self.toggles += 1


class _MemoryFile:
    def __init__(self, storage, name, content, writable):
        self._storage = storage
        self._name = name
        self._content = content
        self._writable = writable
        self._position = 0

    def read(self, size=-1):
        end = len(self._content) if size < 0 else self._position + size
        data = bytes(self._content[self._position : end])
        self._position += len(data)
        self._storage.read_bytes += len(data)
        return data

    def readinto(self, buffer):
        data = self.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def write(self, data):
        self._storage.operation()
        self._content.extend(data)
        return len(data)

    def seek(self, offset, whence=0):
        self._position = offset + (len(self._content) if whence == 2 else 0)
        return self._position

    def flush(self):
        self._storage.operation()
        if self._writable:
            self._storage.files[self._name] = bytes(self._content)

    def close(self):
        if self._writable and not self._storage.dead:
            self.flush()

    def __enter__(self):
        return self

    def __exit__(self, *details):
        self.close()


class MemoryStorage:
    """Files in RAM; what was not flushed is gone when `files` is handed to the next boot.

    With `fail_after` = n every operation from the n-th on raises OSError, like a dead flash.
    """

    def __init__(self, files=None):
        self.files = {} if files is None else files
        self.formatted = False
        self.dead = False
        self.fail_after = -1
        self.operations = 0
        self.read_bytes = 0

    def operation(self):
        self.operations += 1
        if 0 <= self.fail_after < self.operations:
            self.dead = True
        if self.dead:
            raise OSError(5)

    def open(self, name, mode):
        self.operation()
        if mode not in ("rb", "wb") or not isinstance(name, str):
            raise ValueError("open(%r, %r)" % (name, mode))
        if mode == "rb":
            if name not in self.files:
                raise OSError(2)
            return _MemoryFile(self, name, bytearray(self.files[name]), False)
        self.files[name] = b""
        return _MemoryFile(self, name, bytearray(), True)

    def names(self):
        self.operation()
        return list(self.files)

    def sizes(self):
        self.operation()
        return [(name, len(content)) for name, content in self.files.items()]

    def remove(self, name):
        self.operation()
        if name not in self.files:
            raise OSError(2)
        del self.files[name]

    def rename(self, old, new):
        self.operation()
        self.files[new] = self.files.pop(old)


class Flag:
    """What the journal needs of an event."""

    def __init__(self):
        self.is_up = False

    def set(self):
        self.is_up = True

    def clear(self):
        self.is_up = False


class QuietLog:
    """Keeps (level, text) of every line."""

    def __init__(self):
        self.lines = []

    def info(self, message, *values):
        self.lines.append(("info", message % values))

    def warning(self, message, *values):
        self.lines.append(("warning", message % values))

    def error(self, message, *values):
        self.lines.append(("error", message % values))
