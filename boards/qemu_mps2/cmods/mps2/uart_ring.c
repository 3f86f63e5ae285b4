// What has come in on UART 1 to 4 and was not read yet. The model holds a single byte and QEMU brings
// the next one only when that has been taken, so bytes are taken while the program does other things.
//
// A program is woken as by a UART with a FIFO: when so many bytes are there, or none came for a while.
#include "py/mphal.h"
#include "mps2.h"

#define RING_BYTES (512)    // a power of two; the longest frame of a bus has 256
#define FIFO_BYTES (64)
#define SILENCE_US (400)    // some characters at 115200 baud

static mps2_uart_regs_t *const uarts[MPS2_UART_COUNT] = MPS2_UARTS;
static struct {
    uint8_t data[RING_BYTES];
    uint32_t in, out;
    uint32_t came_us;    // the newest byte
} rings[MPS2_UART_COUNT];

void mps2_ring_clear(int uart) {
    rings[uart].out = rings[uart].in;
}

// Bytes that can be read.
size_t mps2_ring_fill(int uart) {
    while ((uarts[uart]->ctrl & MPS2_UART_CTRL_RX_EN) && (uarts[uart]->state & MPS2_UART_STATE_RX_FULL)
        && rings[uart].in - rings[uart].out < RING_BYTES) {
        rings[uart].data[rings[uart].in++ % RING_BYTES] = uarts[uart]->data;
        rings[uart].came_us = mp_hal_ticks_us();
    }
    return rings[uart].in - rings[uart].out;
}

// The next byte; there must be one.
uint8_t mps2_ring_get(int uart) {
    return rings[uart].data[rings[uart].out++ % RING_BYTES];
}

// Whether to wake who waits for this line.
bool mps2_ring_ready(int uart) {
    size_t fill = mps2_ring_fill(uart);
    return fill >= FIFO_BYTES || (fill && (uint32_t)mp_hal_ticks_us() - rings[uart].came_us >= SILENCE_US);
}

// Take what has come on every line; how long the next look may wait, in us: 0 = somebody is to be
// woken now, MPS2_NO_INPUT = nothing is there.
uint32_t mps2_rings_poll(void) {
    uint32_t wait_us = MPS2_NO_INPUT;
    for (int uart = 1; uart < MPS2_UART_COUNT; uart++) {
        if (mps2_ring_ready(uart)) {
            return 0;
        }
        if (mps2_ring_fill(uart)) {
            wait_us = SILENCE_US;
        }
    }
    return wait_us;
}
