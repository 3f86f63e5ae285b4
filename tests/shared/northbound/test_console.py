import asyncio
import json
import os
import unittest

from fake_hardware import FakeRelays, QuietLog

from gateway.clock import Clock
from gateway.log import Logs
from gateway.northbound.console import Console
from gateway.northbound.safe_mode import SafeMode

# Two runs at once must not meet, and MicroPython cannot tell which port it was given for port 0.
_RANDOM = os.urandom(2)
PORT = 20000 + (_RANDOM[0] << 8 | _RANDOM[1]) % 20000


async def listen(handler, port):
    return await asyncio.start_server(handler, "127.0.0.1", port)


async def ask(line, port=PORT):
    """One question over a real connection; the answer line, empty when it was cut."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(line)
    await writer.drain()
    try:
        answer = await reader.readline()
    except OSError:
        answer = b""
    writer.close()
    await writer.wait_closed()
    return answer


class ConsoleTest(unittest.TestCase):
    def test_answers_what_it_knows_and_lists_it_otherwise(self):
        async def main():
            console = Console(listen, PORT, {"status": lambda: {"a": 1}}, QuietLog())
            await console.start()
            answers = []
            for line in (b"status\n", b"open relay 1\n", b"\xff\xfe\n"):
                answers.append(await ask(line))
            console.close()
            return answers

        status, unknown, garbage = asyncio.run(main())
        self.assertEqual(json.loads(status), {"a": 1})
        self.assertEqual(json.loads(unknown), {"commands": ["status"]})
        self.assertEqual(json.loads(garbage), {"commands": ["status"]})

    def test_a_request_gets_its_argument_and_nothing_else_takes_one(self):
        requests = {"prooftest": lambda argument: {"got": argument}}
        console = Console(listen, PORT, {"status": lambda: 1}, QuietLog(), requests)
        everything = {"commands": ["prooftest", "status"]}
        for line, answer in (
            (b"prooftest", {"got": ""}),
            (b" prooftest \r", {"got": ""}),
            (b"prooftest rack01", {"got": "rack01"}),
            (b"prooftest  rack/rack01 \r", {"got": "rack/rack01"}),
            (b"prooftest rack01 now", {"got": "rack01 now"}),
            (b"status", 1),
            (b"status rack01", everything),
            (b"prooftests", everything),
            (b"", everything),
            (b"prooftest \xff", everything),
        ):
            with self.subTest(line=line):
                self.assertEqual(json.loads(console.answer(line)), answer)

    def test_a_line_without_end_is_cut_off_and_others_are_served(self):
        async def main():
            console = Console(listen, PORT + 1, {"status": lambda: 7}, QuietLog())
            await console.start()
            cut = await ask(b"x" * 500 + b"\n", PORT + 1)
            answer = await ask(b"status\n", PORT + 1)
            console.close()
            return cut, answer, console.errors

        cut, answer, errors = asyncio.run(main())
        self.assertEqual(cut, b"")
        self.assertEqual(json.loads(answer), 7)
        self.assertEqual(errors, 1)

    def test_a_taken_port_is_told_and_survived(self):
        async def main():
            first = Console(listen, PORT + 2, {}, QuietLog())
            await first.start()
            log = QuietLog()
            second = Console(listen, PORT + 2, {}, log)
            await second.start()
            first.close()
            second.close()
            return log.lines

        lines = asyncio.run(main())
        self.assertEqual(lines[0][0], "error")
        self.assertIn(str(PORT + 2), lines[0][1])


class Sink:
    """A console that keeps the text."""

    def __init__(self):
        self.text = ""

    def write(self, text):
        self.text += text


class SafeBoard:
    """A board on which only safe mode will run."""

    interpreter = "test"
    console_port = PORT + 3

    def __init__(self):
        self.clock = Clock()
        self.relays = FakeRelays(4)
        self.fed = 0
        self.listen = listen
        self.ended = asyncio.Event()

    def watchdog(self, timeout_ms):
        return self

    def feed(self):
        self.fed += 1

    async def stopping(self):
        await self.ended.wait()


class SafeModeTest(unittest.TestCase):
    def test_relays_open_reason_told_and_still_answering(self):
        async def main():
            board = SafeBoard()
            board.relays.state[2] = 1
            sink = Sink()
            safe = SafeMode(board, Logs(board.clock, console=sink), "limits.x: bad", "config")
            running = asyncio.create_task(safe.run())
            await board.clock.sleep_ms(350)
            answer = await ask(b"status\n", PORT + 3)
            board.ended.set()
            await running
            return board, json.loads(answer), sink.text

        board, status, text = asyncio.run(main())
        self.assertEqual(bytes(board.relays.state), bytes(4))
        self.assertEqual((status["mode"], status["reason"]), ("safe", "limits.x: bad"))
        self.assertIn("limits.x: bad", text)
        self.assertTrue(board.fed >= 2)


if __name__ == "__main__":
    unittest.main()
