"""TCP as the boards' stacks have it: other numbers than Linux's, and polls that answer only what
they are asked.
"""

import io
import select
import sys
import unittest

READ, WRITE, ERROR, HANG_UP = 1, 4, 8, 16
_POLL = 3


class Stack:
    """Numbers of one stack, and the sockets that were made."""

    def __init__(self, in_progress, nodelay):
        self.EINPROGRESS = in_progress
        self.ECONNREFUSED = 111
        self.TCP_NODELAY = nodelay
        self.SOL_SOCKET = 0xFFF
        self.SOCK_STREAM = 1
        self.SOCK_DGRAM = 2
        self.AF_INET = 2
        self.made = []

    def socket(self, *kind):
        self.made.append(Socket(self))
        return self.made[-1]

    def getaddrinfo(self, host, port, *kind):
        return [(2, 1, 0, "", (host, port))]


class Socket(io.IOBase):
    """Connects in the background; `happened` are the events that a poll may find."""

    def __init__(self, stack):
        self._stack = stack
        self.happened = 0
        self.options = []
        self.closed = False

    def setblocking(self, on):
        pass

    def connect(self, address):
        raise OSError(self._stack.EINPROGRESS)

    def setsockopt(self, level, option, value):
        if (level, option) != (6, self._stack.TCP_NODELAY):
            raise AssertionError("this stack would print a warning: %d %d" % (level, option))
        self.options.append(option)

    def ioctl(self, request, asked):
        return self.happened & asked if request == _POLL else -22  # it has no file number

    def readinto(self, buffer):
        return None

    def write(self, data):
        return None

    def close(self):
        self.closed = True


# ESP-IDF's newlib with lwIP; MicroPython's own numbers with lwIP
STACKS = ((119, 1), (115, 0x40))


class BoardSocketsTest(unittest.TestCase):
    def setUp(self):
        self.kept = {name: sys.modules.get(name) for name in ("socket", "errno", "sockets")}

    def tearDown(self):
        for name, module in self.kept.items():
            sys.modules.pop(name, None)
            if module is not None:
                sys.modules[name] = module

    def network(self, numbers):
        stack = Stack(*numbers)
        sys.modules["socket"] = sys.modules["errno"] = stack
        sys.modules.pop("sockets", None)
        import sockets
        from bus_wait import BusWait

        return stack, sockets.Network(BusWait())

    def test_a_connection_comes_to_stand(self):
        for numbers in STACKS:
            stack, network = self.network(numbers)
            stream = network.connect("10.0.0.1", 502)
            self.assertFalse(stream.connected())
            stack.made[0].happened = WRITE
            self.assertTrue(stream.connected())
            self.assertEqual(stack.made[0].options, [stack.TCP_NODELAY])

    def test_a_refused_one_never_stands(self):
        for numbers in STACKS:
            for events in (WRITE | HANG_UP, WRITE | ERROR):
                stack, network = self.network(numbers)
                stream = network.connect("10.0.0.1", 502)
                stack.made[0].happened = events
                with self.assertRaises(OSError):
                    stream.connected()

    def test_one_that_cannot_begin_is_closed(self):
        stack, network = self.network(STACKS[0])
        stack.EINPROGRESS = 12
        with self.assertRaises(OSError):
            network.connect("10.0.0.1", 502)
        self.assertTrue(stack.made[0].closed)


if __name__ == "__main__":
    assert select.POLLHUP == HANG_UP
    unittest.main()
