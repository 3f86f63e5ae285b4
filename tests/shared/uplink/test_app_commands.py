"""Commands to the whole application on a board in RAM, over real sockets."""

import asyncio
import binascii
import json
import time
import unittest

from fake_board import FakeBoard
from rack_wire import CHARGE_LIMIT
from scripted_broker import PUBLISH, SUBSCRIBE, ScriptedBroker, accept_all, connect, run, until

from gateway import app
from gateway.uplink.signed_message import REPLY, seal, unseal

KEY = bytes(range(90, 122))
TOPIC = "bess/v1/test-site/gw-test/"


class Upstream:
    """A broker and whoever speaks through it."""

    def __init__(self):
        self.broker = ScriptedBroker(accept_all)
        self.seq = 0

    async def order(self, command, **args):
        """The answer of the gateway's signed reply."""
        self.seq += 1
        tree = {
            "gateway": "gw-test",
            "seq": self.seq,
            "until": int(time.time()) + 60,
            "command": command,
            "args": args,
        }
        await self.deliver(seal(KEY, json.dumps(tree).encode()))
        await until(lambda: self.replies(self.seq), "a reply")
        return self.replies(self.seq)[0]["answer"]

    async def deliver(self, payload):
        """PUBLISH of QoS 1 to the gateway."""
        name = (TOPIC + "command").encode()
        body = bytes((0, len(name))) + name + b"\x00\x09" + payload
        length = len(body)
        head = b"\x32" + bytes((length & 127 | 128, length >> 7))  # more than 127 bytes
        await self.broker.send(head + body)

    def replies(self, seq):
        found = []
        for packet in self.broker.of_kind(PUBLISH):
            if packet.topic == TOPIC + "reply":
                body = unseal(KEY, packet.payload, REPLY)
                found.append(json.loads(body.decode()))
        return [reply for reply in found if reply["seq"] == seq]

    def subscribed(self):
        return len(self.broker.of_kind(SUBSCRIBE)) > 0


def board_for(broker, data=None, key=KEY):
    uplink = {"host": "127.0.0.1", "port": broker.port, "live_period_ms": 0}
    derating = {"hold_ms": 0}
    board = FakeBoard(data, uplink=uplink, derating=derating)
    board.open_stream = connect
    if key is not None:
        board.config.files["device.key"] = binascii.hexlify(key)
    return board


def in_application(scenario, upstream=None, data=None, key=KEY):
    """Run `scenario(gateway, board, upstream)` beside the application; the files it leaves."""
    upstream = upstream or Upstream()
    left = {}

    async def main():
        await upstream.broker.start()
        board = board_for(upstream.broker, data, key)
        gateway = app.build(board)
        running = asyncio.create_task(gateway.run())
        try:
            await scenario(gateway, board, upstream)
        finally:
            board.ended.set()
            await running
            await upstream.broker.stop()
        left.update(board.data.files)

    run(main())
    return left


def written(board):
    """The charging currents that rack 1 was allowed, in their order."""
    return [value for at, value in board.wires[15020].written if at == CHARGE_LIMIT]


class AppCommandTest(unittest.TestCase):
    def test_a_limit_from_the_broker_to_the_register_and_over_a_restart(self):
        async def first(gateway, board, upstream):
            await until(upstream.subscribed, "subscription")
            answer = await upstream.order("limit", rack="rack01", charge_da=7)
            self.assertEqual(answer["kept"], True)
            await until(lambda: written(board) and written(board)[-1] == 7, "the register")
            texts = [text for _, text in gateway.parts.recorder.latest]
            self.assertTrue([text for text in texts if text.startswith("command: limit ")], texts)

        files = in_application(first)
        self.assertIn("caps", files)
        stored = b"".join([files[name] for name in files if name.endswith(".seg")])
        self.assertIn(b"limit {", stored)  # the event is on flash

        async def second(gateway, board, upstream):
            await until(lambda: written(board) and written(board)[-1] > 0, "a current")
            await board.clock.sleep_ms(2500)
            self.assertEqual(max(written(board)), 7)
            answer = await upstream.order("status", rack="rack01")
            self.assertEqual(answer["rack"]["charge_cap_da"], 7)
            upstream.seq = 0  # what was recorded then
            answer = await upstream.order("limit", rack="all", charge_da=None)
            self.assertIn("not above the last one", answer["refused"])
            self.assertEqual(written(board)[-1], 7)

        late = Upstream()
        late.seq = 100
        in_application(second, late, files)

    def test_a_limit_that_the_flash_refused_is_kept_as_soon_as_it_takes_it(self):
        async def scenario(gateway, board, upstream):
            await until(upstream.subscribed, "subscription")
            usual = board.data.rename

            def refuse(old, new):
                raise OSError(28)

            board.data.rename = refuse
            answer = await upstream.order("limit", rack="rack01", charge_da=0)
            self.assertEqual((answer["kept"], "caps" in board.data.files), (False, False))
            latest = gateway.parts.recorder.latest

            def told(end):
                return any([text.endswith(end) for _, text in latest])

            self.assertTrue(told("done, but not kept yet"), latest)
            await board.clock.sleep_ms(1200)
            board.data.rename = usual
            await until(lambda: gateway.parts.caps.kept, "kept")
            await until(lambda: told("command: limits: kept now"), "the event")
            written = board.data.files["caps"]
            await board.clock.sleep_ms(1200)
            self.assertTrue(board.data.files["caps"] is written)  # and not written again

        files = in_application(scenario)

        async def after(gateway, board, upstream):
            self.assertEqual(gateway.parts.caps.of(0), (0, None))

        in_application(after, data=files)

    def test_the_latest_time_is_remembered_while_it_runs(self):
        async def scenario(gateway, board, upstream):
            self.assertFalse("command-time" in board.data.files)
            board.clock.utc_quality = 1
            await until(lambda: "command-time" in board.data.files, "the time")

        in_application(scenario)

    def test_without_a_key_nobody_listens(self):
        for key in (None, b"short"):

            async def scenario(gateway, board, upstream):
                await until(lambda: upstream.broker.of_kind(PUBLISH), "connection")
                await upstream.deliver(b"0" * 64 + b"\n" + b"{}" * 40)
                await board.clock.sleep_ms(300)
                self.assertFalse(upstream.subscribed())
                self.assertIsNone(gateway.parts.upstream.commands)
                self.assertEqual(gateway.parts.upstream.client.reconnects, 0)
                lines = gateway.parts.logs.ring.lines
                self.assertTrue([line for line in lines if "commands are off" in line], lines)

            in_application(scenario, key=key)

    def test_caps_that_are_lost_hold_every_rack_and_say_so(self):
        async def scenario(gateway, board, upstream):
            await until(upstream.subscribed, "subscription")
            await board.clock.sleep_ms(1500)
            self.assertEqual(set(written(board)), set([0]))
            lines = gateway.parts.logs.ring.lines
            self.assertTrue([line for line in lines if "ordered again" in line], lines)
            await upstream.order("limit", rack="all", charge_da=None, discharge_da=None)
            await until(lambda: written(board)[-1] > 0, "a current")

        files = in_application(lambda gateway, board, upstream: board.clock.sleep_ms(100))
        files["caps"] = b"damaged"
        in_application(scenario, data=files)


if __name__ == "__main__":
    unittest.main()
