"""The C programs against a client that is not ours, and a short run of every benchmark."""

from __future__ import annotations

import json
import os
import signal
import struct
import subprocess
import sys
import time
from pathlib import Path

import pytest
from pymodbus import ModbusException
from pymodbus.client import ModbusTcpClient
from pymodbus.framer import FramerRTU

from host_tools.bench import (
    command,
    decode_speed,
    native,
    processes,
    rtu_use,
    site_polling,
    tcp_scan,
    tcp_speed,
)
from host_tools.bench.native import native as compiled
from host_tools.bench.processes import running
from host_tools.bench.rounds import QUICK
from host_tools.bench.wire_time import read_us, silence_us
from host_tools.errors import UserError
from host_tools.toolchain.paths import ROOT

EVERYONE = (-1, -1, 0)  # server options: nobody is dead
CELLS = 416


@pytest.fixture(autouse=True)
def _tools(need) -> None:
    for tool in ("gcc", "taskset", "micropython"):
        need(tool)


def registers(client, address: int, count: int, unit: int = 1) -> list[int]:
    answer = client.read_holding_registers(address, count=count, device_id=unit)
    assert not answer.isError(), answer
    return answer.registers


def test_tcp_server_gives_the_test_pattern_on_every_port() -> None:
    with running(compiled("tcp_server"), 2, 0, 0, *EVERYONE, cpu=0) as server:
        assert len(server.hello["ports"]) == 2
        for number, port in enumerate(server.hello["ports"]):
            with ModbusTcpClient("127.0.0.1", port=port) as client:
                for address, count in ((0, 1), (16, 125), (65411, 125)):
                    expected = [(address + i) * 257 + number & 0xFFFF for i in range(count)]
                    assert registers(client, address, count) == expected
                assert client.read_holding_registers(65535, count=2).exception_code == 2
                assert client.read_coils(0, count=1).exception_code == 1
    assert server.counts == {"answered": 10, "unanswered": 0, "connections": 2}


def test_tcp_server_serves_consistent_racks() -> None:
    with (
        running(compiled("tcp_server"), 1, 0, CELLS, *EVERYONE, cpu=0) as server,
        ModbusTcpClient("127.0.0.1", port=server.hello["ports"][0]) as client,
    ):
        cells = [
            value
            for at in range(0, CELLS, 104)
            for value in registers(client, 0x1000 + at, 104, 7)
        ]
        summary = registers(client, 0, 25, 7)
        assert summary[6] == sum(cells) // 100
        assert summary[10] == max(cells) == cells[summary[11]]
        assert summary[12] == min(cells) == cells[summary[13]]
        assert summary[23:] == [CELLS, CELLS // 2]
        assert client.read_holding_registers(0x2000 + CELLS // 2, count=1).exception_code == 2
        assert not client.write_registers(0x0102, [500, 600], device_id=7).isError()
        assert not client.write_register(0x0101, 9, device_id=7).isError()
        assert registers(client, 0x0100, 4, 7) == [0, 9, 500, 600]
        assert registers(client, 0x0100, 4, 8) == [0, 0, 0, 0]
        assert client.write_register(0x0000, 1).exception_code == 2


def test_tcp_server_has_a_dead_unit() -> None:
    with (
        running(compiled("tcp_server"), 1, 0, CELLS, 2, -1, 0, cpu=0) as server,
        ModbusTcpClient("127.0.0.1", port=server.hello["ports"][0], timeout=0.2) as client,
    ):
        client.retries = 0
        assert len(registers(client, 0, 25, 1)) == 25
        with pytest.raises(ModbusException):
            registers(client, 0, 25, 2)
    assert server.counts["unanswered"] >= 1


def exchange(terminal: int, request: bytes, size: int) -> tuple[bytes, float]:
    """The answer, as far as it comes within a second, and microseconds until its last byte."""
    answer = b""
    start = time.monotonic()
    os.write(terminal, request + FramerRTU.compute_CRC(request).to_bytes(2, "big"))
    while len(answer) < size and time.monotonic() - start < 1:
        answer += os.read(terminal, size)
        time.sleep(0.0001)
    return answer, (time.monotonic() - start) * 1e6


def test_rtu_slave_keeps_the_time_of_the_line() -> None:
    baud, latency_us, count = 19200, 5000, 10
    with running(compiled("rtu_slave"), baud, 10, latency_us, 0, 2, 0, cpu=0) as slave:
        terminal = os.open(slave.hello["port"], os.O_RDWR | os.O_NOCTTY)
        request = struct.pack(">BBHH", 1, 3, 16, count)
        answer, took_us = exchange(terminal, request, 5 + 2 * count)
        nobody, _ = exchange(terminal, struct.pack(">BBHH", 2, 3, 16, count), 1)
        os.close(terminal)
    assert answer[:3] == bytes([1, 3, 2 * count])
    values = struct.unpack(f">{count}H", answer[3:-2])
    assert list(values) == [(16 + i) * 257 & 0xFFFF for i in range(count)]
    assert FramerRTU.check_CRC(answer[:-2], int.from_bytes(answer[-2:], "big"))
    ideal_us = read_us(count, baud, latency_us) - silence_us(baud)
    assert ideal_us <= took_us < ideal_us + 50_000
    assert nobody == b""
    assert slave.counts["requests"] == 2
    assert slave.counts["answers"] == 1
    assert slave.counts["bad_frames"] == 0


def test_quick_speed_gives_sane_figures() -> None:
    metrics = {metric.name: metric for metric in tcp_speed.measure(QUICK)}
    over_umodbus = metrics["modbus_tcp_vs_umodbus"]
    assert 0.5 < (over_umodbus.value or 0) < 5
    assert 0.1 < (metrics["modbus_tcp_vs_c"].value or 0) < 1.1
    assert metrics["modbus_tcp_heap_bytes_per_read"].value == 0
    assert metrics["modbus_tcp_heap_bytes_per_read"].baseline == 1504
    rates = over_umodbus.details["requests_per_s"]
    assert rates["c_loop"]["median"] > rates["umodbus"]["median"] > 1000
    assert metrics["modbus_tcp_requests_per_s"].value == pytest.approx(
        rates["gateway"]["median"], rel=0.001
    )


def test_quick_scan_is_bound_by_the_latency() -> None:
    (scan,) = tcp_scan.measure(QUICK)
    assert tcp_scan.DELAY_MS <= (scan.value or 0) < 30
    assert (scan.baseline or 0) > 12 * tcp_scan.DELAY_MS


def test_quick_line_is_bound_by_the_wire() -> None:
    client = processes.micropython_client("rtu_gateway.py")
    measured = rtu_use._use(client, 115200, 2, QUICK)
    assert 0.5 < measured["use"].median < 1.01
    assert measured["slave"]["bad_frames"] == 0


def test_quick_decoding_gives_both_figures() -> None:
    (decoding,) = decode_speed.measure(QUICK)
    assert 0 < (decoding.value or 0) < (decoding.baseline or 0) < 100


@pytest.mark.parametrize("topology", site_polling.TOPOLOGIES, ids=lambda each: each.name)
def test_quick_polling_reads_every_rack(topology: site_polling.Topology) -> None:
    outcome = site_polling._run(topology, site_polling.DEAD, QUICK)
    living = [rack for index, rack in enumerate(outcome.summaries_ms) if index]
    assert site_polling.DEAD == 0
    assert len(living) == site_polling.RACKS - 1
    assert all(living)
    assert min(min(periods) for periods in living) > 100
    assert outcome.raw["links"][0]["replies"] > 1  # before it died


def test_late_summaries_or_unread_cells_void_the_refresh() -> None:
    def refresh(summary_ms: float, running_us: int) -> float | None:
        raw = {"cells_running_us": [running_us] * 12, "links": []}
        racks = [[summary_ms] * 100] * 12
        cells = [[5000.0]] * 12
        return site_polling._refresh(site_polling.Outcome([], racks, cells, raw, {})).value

    assert refresh(505, 100) == 5
    assert refresh(505, 7_000_000) == 7
    assert refresh(560, 100) is None
    assert refresh(505, -1) is None


def test_a_client_that_fails_is_one_line() -> None:
    client = processes.micropython_client("tcp_umodbus.py")
    with pytest.raises(UserError, match=r"^tcp_umodbus\.py: OSError") as error:
        processes.run_json(client, "speed", 60, 1, 1, cpu=0, timeout_s=20)
    assert "\n" not in str(error.value)


def test_a_server_that_says_nothing_is_one_line() -> None:
    with (
        pytest.raises(UserError, match="instead of its result"),
        running(processes.Program(("/bin/true",)), cpu=0),
    ):
        pass


@pytest.mark.parametrize("tool", ["taskset", "gcc"])
def test_a_missing_tool_is_named_with_what_installs_it(tool: str, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(native, "OUT", tmp_path)
    hidden = {tool, "cc", "clang"} if tool == "gcc" else {tool}
    for module in (native, processes):
        monkeypatch.setattr(module, "find_tool", lambda name: None if name in hidden else name)
    words = ("no taskset", "util-linux") if tool == "taskset" else ("no C compiler", "gcc")
    with pytest.raises(UserError) as error:
        command.main("modbus", quick=True)
    assert all(word in str(error.value) for word in words)


def test_ctrl_c_leaves_nothing_running() -> None:
    code = (
        "from host_tools.bench.command import main\n"
        "try:\n    main('modbus', False)\nexcept KeyboardInterrupt:\n    raise SystemExit(130)"
    )
    bench = subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert bench.stderr is not None
    while "rounds" not in (seen := bench.stderr.read(1) + bench.stderr.readline(20)):
        assert bench.poll() is None, seen
    time.sleep(0.5)
    os.killpg(bench.pid, signal.SIGINT)
    bench.communicate(timeout=10)
    assert bench.returncode == 130
    with pytest.raises(ProcessLookupError):
        os.killpg(bench.pid, 0)


def test_an_unknown_group_names_the_known_ones() -> None:
    with pytest.raises(UserError, match="no benchmark group 'rtx'; there are modbus, rtu"):
        command.main("rtx", quick=True)


def test_command_merges_and_prints(tmp_path: Path, monkeypatch, capsys) -> None:
    path = tmp_path / "bench.json"
    monkeypatch.setattr(command, "GROUPS", {"modbus": (lambda _: [tcp_scan.measure(QUICK)[0]],)})
    monkeypatch.setattr(command, "RESULTS", path)
    path.write_text('{"metrics": {"other": {"value": 1}}, "machine": {}}')
    assert command.main("", quick=True) == 0
    found = json.loads(path.read_text())
    assert found["metrics"].keys() == {"other", "site_scan_ms"}
    assert found["machine"]["quick"] is True
    assert "site_scan_ms" in capsys.readouterr().out
