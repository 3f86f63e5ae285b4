// The console (UART0) with what a real board has and ports/qemu lacks: Ctrl-C ends a running
// program, and select() sees input. Bytes that came while a program ran wait in a ring.
#include "py/runtime.h"
#include "py/mphal.h"
#include "py/stream.h"
#include "shared/runtime/interrupt_char.h"
#include "mps2.h"

#define CONSOLE ((mps2_uart_regs_t *)0x40004000)
#define RING_BYTES (1024)    // a power of two; mpremote sends blocks of 256 and waits

static uint8_t ring[RING_BYTES];
static uint32_t ring_in, ring_out;

// Take in what has come; an interrupt character raises KeyboardInterrupt in the program.
void mps2_console_poll(void) {
    while (CONSOLE->state & MPS2_UART_STATE_RX_FULL) {
        if (ring_in - ring_out >= RING_BYTES) {
            return;    // QEMU holds the rest back until there is room
        }
        uint8_t c = CONSOLE->data;
        if (c == mp_interrupt_char) {
            ring_out = ring_in;
            mp_sched_keyboard_interrupt();
        } else {
            ring[ring_in++ % RING_BYTES] = c;
        }
    }
}

// Called by the virtual machine every so many bytecodes.
void mps2_vm_hook(void) {
    static uint32_t count;
    if ((++count & 0xff) == 0) {
        mps2_console_poll();
        mps2_rings_poll();
    }
}

bool mps2_console_has_input(void) {
    mps2_console_poll();
    return ring_in != ring_out;
}

int __wrap_mp_hal_stdin_rx_chr(void) {
    while (!mps2_console_has_input()) {
        mp_event_wait_indefinite();
    }
    return ring[ring_out++ % RING_BYTES];
}

uintptr_t __wrap_mp_hal_stdio_poll(uintptr_t flags) {
    uintptr_t ready = flags & MP_STREAM_POLL_WR;
    if ((flags & MP_STREAM_POLL_RD) && mps2_console_has_input()) {
        ready |= MP_STREAM_POLL_RD;
    }
    return ready;
}
