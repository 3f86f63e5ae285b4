"""What this board needs beside the firmware. Stock images have nothing frozen in: README.md."""

# ruff: noqa: F821 - words of MicroPython's manifests
include("../../firmware/manifest.py", thumb=True)
freeze(
    "../parts",
    (
        "board_file.py",
        "bus_wait.py",
        "civil_time.py",
        "dead_man.py",
        "field_board.py",
        "folder_storage.py",
        "gpio_pins.py",
        "lan.py",
        "serial_port.py",
        "sockets.py",
        "system_rtc.py",
    ),
)
freeze(".", ("board.py",))
