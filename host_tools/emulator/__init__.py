"""The emulated gateway board: its memory as a file, QEMU as a process, its registers from outside.

The board itself is boards/qemu_mps2; host_tools/toolchain/emulated_board.py builds its image.
"""
