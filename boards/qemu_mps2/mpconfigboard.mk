# Board description read by ports/qemu/Makefile:
#   make -C <micropython>/ports/qemu BOARD=QEMU_MPS2 BOARD_DIR=<this folder> ...     (see README.md)
MPS2_BOARD_DIR := $(abspath $(BOARD_DIR))

# Machine and processor: the same as the stock board MPS2_AN385.
QEMU_ARCH = arm
QEMU_MACHINE = mps2-an385
CFLAGS += -mthumb -mcpu=cortex-m3 -mfloat-abi=soft
CFLAGS += -DQEMU_SOC_MPS2 -DMICROPY_HW_MCU_NAME='"Cortex-M3"'
SRC_BOARD_O = shared/runtime/gchelper_native.o shared/runtime/gchelper_thumb2.o
MPY_CROSS_FLAGS += -march=armv7m

# Options, linker script and C code from this folder.
CFLAGS += -DMP_CONFIGFILE='"$(MPS2_BOARD_DIR)/mpconfigboard.h"'
LDSCRIPT = $(MPS2_BOARD_DIR)/mps2.ld
USER_C_MODULES = $(MPS2_BOARD_DIR)/cmods

# Without this a change of mpconfigboard.h does not regenerate the interned strings.
QSTR_GLOBAL_DEPENDENCIES += $(MPS2_BOARD_DIR)/mpconfigboard.h

FROZEN_MANIFEST ?= $(MPS2_BOARD_DIR)/manifest.py

# LittleFS 2, and the date arithmetic behind time.localtime().
MICROPY_VFS_LFS2 = 1
SRC_C += shared/timeutils/timeutils.c

# Bytes for the garbage-collected heap; set it to what the target board has free.
MICROPY_HEAP_SIZE ?= 196608

# console.c and machine.c take the place of the port's console and of its last words at an NMI.
LDFLAGS += -Wl,--wrap=mp_hal_stdio_poll -Wl,--wrap=mp_hal_stdin_rx_chr -Wl,--wrap=NMI_Handler
