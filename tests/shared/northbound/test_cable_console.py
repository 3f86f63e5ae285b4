import asyncio
import json
import unittest

from gateway.northbound.cable_console import ETX, PIECE, STX, CableConsole
from gateway.northbound.console import Console


class Cable:
    """Both ends of a cable: what comes in a byte at a time, and what was written."""

    def __init__(self, received):
        self.received = [received[at : at + 1] for at in range(len(received))]
        self.written = []
        self.fails = False

    async def read(self, count):
        return self.received.pop(0) if self.received else b""

    def write(self, text):
        if self.fails:
            raise OSError(5)
        self.written.append(text)


async def sleep_ms(delay_ms):
    await asyncio.sleep(0)


def converse(received, questions):
    """(cable, console) after all of `received` was taken."""
    cable = Cable(received)
    answer = Console(None, 0, questions, None).answer
    console = CableConsole(answer, cable, cable, sleep_ms)
    asyncio.run(console.run())
    return cable, console


def answers(cable):
    """(word, JSON) of every answer that was written whole."""
    found = []
    pending = ""
    for line in cable.written:
        pending += line[1:-1]
        if line[0] == ETX:
            word, _, text = pending.partition(" ")
            found.append((word, json.loads(text)))
            pending = ""
    return found


def broken():
    raise KeyError("no such part")


class CableConsoleTest(unittest.TestCase):
    def test_an_answer_carries_its_word_in_short_marked_lines(self):
        long = {"text": "x" * 200}
        cable, _ = converse(b"status\nlog\r\n", {"status": lambda: long, "log": lambda: {"a": 1}})
        self.assertEqual(answers(cable), [("status", long), ("log", {"a": 1})])
        for line in cable.written:
            self.assertTrue(line[0] in (STX, ETX))
            self.assertEqual(line[-1], "\n")
            self.assertTrue(len(line) <= PIECE + 2)

    def test_empty_lines_ask_nothing(self):
        cable, _ = converse(b"\r\n\n  \n", {"status": lambda: 1})
        self.assertEqual(cable.written, [])

    def test_what_is_no_text_and_what_is_too_long_gets_the_list_of_words(self):
        cable, console = converse(b"x" * 300 + b"\nlog\n", {"log": lambda: 7})
        self.assertEqual(answers(cable)[0][1], {"commands": ["log"]})
        self.assertEqual(answers(cable)[1], ("log", 7))
        self.assertEqual(console.errors, 0)

    def test_a_question_that_fails_is_counted_and_the_next_is_answered(self):
        cable, console = converse(b"bad\n\xff\xfe\nlog\n", {"bad": broken, "log": lambda: 7})
        self.assertEqual(answers(cable), [("log", 7)])
        self.assertEqual(console.errors, 2)

    def test_a_cable_that_takes_nothing_is_counted(self):
        cable = Cable(b"log\nlog\n")
        cable.fails = True
        console = CableConsole(lambda line: "1", cable, cable, sleep_ms)
        asyncio.run(console.run())
        self.assertEqual(console.errors, 2)


if __name__ == "__main__":
    unittest.main()
