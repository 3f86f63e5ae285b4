"""NOR flash in RAM that keeps a log of what was done to it, so that the power can fail anywhere.

The log holds every program and erase. `images` gives the flash as it stands when the power fails
in one of them: nothing of it done, half of it, or rubbish in what was being written or erased.
"""

TEARS = ("nothing", "half", "rubbish")
_ERASED = 0xFF
_RUBBISH_BYTES = 4096


class TornFlash:
    """`content` of whole blocks; `log` is a list of (offset, data), data None for an erase."""

    def __init__(self, content, block_bytes):
        self.content = content
        self.block_bytes = block_bytes
        self.log = None  # a list when it shall be kept
        self.erases = 0
        self.programmed = 0  # bytes
        self.programs = 0

    def program(self, offset, data):
        if self.log is not None:
            self.log.append((offset, bytes(data)))
        self.content[offset : offset + len(data)] = data
        self.programs += 1
        self.programmed += len(data)

    def erase(self, block):
        offset = block * self.block_bytes
        if self.log is not None:
            self.log.append((offset, None))
        self.content[offset : offset + self.block_bytes] = bytes([_ERASED]) * self.block_bytes
        self.erases += 1


def images(start, log, block_bytes, step=1, content=None):
    """(operations done, tear, content) for every `step`-th operation and every tear.

    `start` is the content before the log, and is changed. A content is good until the next one,
    and is built in the bytearray that is handed in, if there is one.
    """
    if content is None:
        content = bytearray(len(start))
    for number in range(len(log)):
        offset, data = log[number]
        if data is None:
            data = bytes([_ERASED]) * block_bytes
        if number % step == 0:
            for tear in TEARS:
                content[:] = start
                _tear(content, offset, data, tear, number)
                yield number, tear, content
        start[offset : offset + len(data)] = data


def _tear(content, offset, data, tear, seed):
    if tear == "half":
        half = len(data) // 2
        content[offset : offset + half] = data[:half]
    elif tear == "rubbish":
        start = seed * 7 % _RUBBISH_BYTES
        content[offset : offset + len(data)] = _RUBBISH[start : start + len(data)]


def _rubbish():
    value = 1
    for _ in range(2 * _RUBBISH_BYTES):
        value = (value * 1103515245 + 12345) & 0x7FFFFFFF
        yield value >> 16 & 0xFF


_RUBBISH = bytes(_rubbish())
