// What the stock ports/qemu lacks and the gateway firmware needs: a clock, an idle sleep that wakes
// on UART input, and Python code that runs at start-up.
#include <string.h>
#include "py/runtime.h"
#include "py/mphal.h"
#include "py/pystack.h"
#include "py/stackctrl.h"
#include "shared/runtime/pyexec.h"
#include "mps2.h"

// --- Clock -------------------------------------------------------------------------------------

// Microseconds since reset. The 32-bit counter runs at 1 MHz and wraps every 71.6 minutes; each
// call notices at most one wrap, so it must be called more often than that. The idle sleep below
// never lasts longer than 60 s and everything that waits calls this, so it is.
static uint64_t mps2_us64(void) {
    static uint32_t wraps, last;
    uint32_t now = MPS2_COUNTER;
    if (now < last) {
        wraps++;
    }
    last = now;
    return (uint64_t)wraps << 32 | now;
}

mp_uint_t mp_hal_ticks_us(void) {
    return mps2_us64();
}

mp_uint_t mp_hal_ticks_ms(void) {
    return mps2_us64() / 1000;
}

// The finest there is: with -icount less than two ticks per instruction.
mp_uint_t mp_hal_ticks_cpu(void) {
    return ~MPS2_CPU_TICKS_LEFT;
}

// Nanoseconds of the time module: counted from reset, because no RTC is read.
uint64_t mp_hal_time_ns(void) {
    return mps2_us64() * 1000;
}

static void mps2_wait_ticks(uint32_t ticks);

#define MPS2_TICKS_PER_US (MPS2_CLOCK_HZ / 1000000)
#define MPS2_SPIN_US (20)    // a sleep costs about as much

// Sleeps as long as it can: a program that waits must not keep the host busy.
void mp_hal_delay_us(mp_uint_t us) {
    uint64_t end = mps2_us64() + us;
    for (uint64_t now; (now = mps2_us64()) < end;) {
        if (end - now > MPS2_SPIN_US) {
            mps2_wait_ticks((end - now > 1000 ? 1000 : end - now) * MPS2_TICKS_PER_US);
        }
    }
}

void mp_hal_delay_ms(mp_uint_t ms) {
    uint64_t end = mps2_us64() + (uint64_t)ms * 1000;
    for (uint64_t now; (now = mps2_us64()) < end;) {
        mp_event_wait_ms((end - now + 999) / 1000);
    }
}

// --- Idle sleep --------------------------------------------------------------------------------

#define MPS2_SLEEP_MAX_MS (60000)

// QEMU 7.2 with -icount sleep=off wakes the core one timer expiry late. A reload value of 250 ticks
// puts that second expiry 10 us after the first one, whatever the length of the sleep.
#define MPS2_SECOND_EXPIRY_TICKS (250)
#define MPS2_SECOND_EXPIRY_US (10)

// Sleep until a line has something to tell or timeout_ms is over (negative: as long as allowed).
void mps2_wait(int timeout_ms) {
    if (timeout_ms < 0 || timeout_ms > MPS2_SLEEP_MAX_MS) {
        timeout_ms = MPS2_SLEEP_MAX_MS;
    }
    uint64_t end = mps2_us64() + (timeout_ms ? timeout_ms * 1000 : MPS2_SECOND_EXPIRY_US);
    for (uint64_t now; (now = mps2_us64()) < end;) {
        uint32_t wait_us = mps2_rings_poll();
        if (wait_us == 0 || mps2_console_has_input()) {
            return;
        }
        mps2_wait_ticks((wait_us < end - now ? wait_us : end - now) * MPS2_TICKS_PER_US);
    }
}

// WFI with interrupts masked wakes on a pending interrupt without taking it, so no handler is
// needed; the vector table of the port has none for external interrupts.
static void mps2_wait_ticks(uint32_t ticks) {
    static mps2_uart_regs_t *const uarts[MPS2_UART_COUNT] = MPS2_UARTS;
    static const uint8_t uart_rx_irq[MPS2_UART_COUNT] = MPS2_UART_RX_IRQS;

    // From here to the end only interrupts that are pending, never taken.
    __asm volatile ("cpsid i" ::: "memory");

    // Let each UART that receives raise its interrupt line; give up at once if one has input already.
    uint32_t irqs = 1u << MPS2_TIMER_IRQ;
    bool input = false;
    for (int i = 0; i < MPS2_UART_COUNT; i++) {
        mps2_uart_regs_t *uart = uarts[i];
        if (uart->ctrl & MPS2_UART_CTRL_RX_EN) {
            uart->ctrl |= MPS2_UART_CTRL_RX_INT;
            irqs |= 1u << uart_rx_irq[i];
            input |= uart->state & MPS2_UART_STATE_RX_FULL;
        }
    }

    if (!input) {
        MPS2_TIMER_CTRL = 0;
        MPS2_TIMER_INTCLEAR = 1;
        MPS2_TIMER_RELOAD = MPS2_SECOND_EXPIRY_TICKS;
        MPS2_TIMER_VALUE = ticks;
        MPS2_TIMER_CTRL = MPS2_TIMER_CTRL_RUN_INT;
        MPS2_NVIC_ENABLE = irqs;
        __asm volatile ("dsb\n wfi" ::: "memory");
        MPS2_TIMER_CTRL = 0;
        MPS2_TIMER_INTCLEAR = 1;
    }

    // Drop every trace of the interrupts before they are unmasked.
    for (int i = 0; i < MPS2_UART_COUNT; i++) {
        mps2_uart_regs_t *uart = uarts[i];
        if (uart->ctrl & MPS2_UART_CTRL_RX_EN) {
            uart->ctrl &= ~MPS2_UART_CTRL_RX_INT;
            uart->intstatus = 3;
        }
    }
    MPS2_NVIC_DISABLE = 0xffffffff;
    MPS2_NVIC_CLEAR_PENDING = 0xffffffff;
    __asm volatile ("cpsie i" ::: "memory");
}

// --- Start-up ----------------------------------------------------------------------------------

// What the C stack may take on field boards: 16 KiB but the last one. The stock port allows 10 KB,
// which eleven modules that import each other reach.
#define MPS2_C_STACK_BYTES (15 * 1024)

// Runs at the end of every mp_init(): power-up, reset, soft reboot. As on other boards main.py is
// left out in a soft reboot that a tool asked for (raw REPL).
//
// No Python has run before. Without a stack of their own larger frames would come from the heap, by
// a search for a hole that takes as long as the heap is full. What is left of the filling tells the
// host how deep the stack ever was.
void mps2_start(void) {
    memset(MPS2_FRAMES, MPS2_FRAMES_FILL, MPS2_FRAMES_BYTES);
    mp_stack_set_limit(MPS2_C_STACK_BYTES);
    mp_pystack_init(MPS2_FRAMES, MPS2_FRAMES + MPS2_FRAMES_BYTES);
    MPS2_COUNTER_PRESCALE = MPS2_CLOCK_HZ / 1000000 - 1;
    MPS2_CPU_TICKS_RELOAD = MPS2_CPU_TICKS_LEFT = 0xffffffff;
    MPS2_CPU_TICKS_CTRL = MPS2_TIMER_CTRL_RUN;
    pyexec_frozen_module("mount.py", false);
    if (pyexec_mode_kind == PYEXEC_MODE_FRIENDLY_REPL) {
        pyexec_file_if_exists("main.py");
    }
}

// The watchdog's first expiry. The second one resets the machine, at the whole timeout: as on real
// boards a program may feed until then.
void __wrap_NMI_Handler(void) {
}
