"""What the emulated board and its host share: flash windows and words, all in the PSRAM.

The PSRAM is a file of the host and keeps its content over a reset. The words at its end stand for
what QEMU has no device for.
"""

from micropython import const

PSRAM = const(0x21000000)
PSRAM_BYTES = const(0x1000000)
BLOCK_BYTES = const(4096)
# Flash windows: (offset in the PSRAM, blocks)
ROOT = (0x000000, 512)  # the root filesystem, 2 MiB
CONFIG = (0x200000, 64)
DATA = (0x300000, 2048)  # 8 MiB

WORDS = const(0xF00000)  # offset in the PSRAM
# Offsets of words from there. The host writes the first group, the board the second.
INPUTS = const(0x00)  # bit n = level of input n
STOP = const(0x04)  # not 0: end the gateway
ENTROPY = const(0x08)  # four words, new ones at each start
RTC_S = const(0x18)  # seconds since 1970, kept up to date; 0 = the clock was never set
ROOT_AT = const(0x1C)  # not 0: the root filesystem is at /flash, as images for STM32 have it
BOOTS = const(0x80)  # starts of the interpreter, soft reboots included
DEAD_MAN = const(0x84)  # goes up by one with every toggle
RTC_SET_S = const(0x88)  # what the board set its clock to

FRAMES = const(0xF10000)  # offset in the PSRAM: the interpreter's stack of frames, from below
FRAMES_BYTES = const(0xC000)
FRAMES_FILL = b"\xa5"  # where it never was since the start
