# These are compiled by themselves; the other files are included by MicroPython's extmod/*.c,
# which find them through the include path.
MPS2_DIR := $(USERMOD_DIR)
SRC_USERMOD_C += $(MPS2_DIR)/machine.c $(MPS2_DIR)/console.c $(MPS2_DIR)/uart_ring.c
CFLAGS_USERMOD += -I$(MPS2_DIR)
