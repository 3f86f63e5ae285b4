// Registers of the MPS2 (AN385) machine as QEMU models it. Peripheral clock: 25 MHz.
#ifndef MPS2_H
#define MPS2_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MPS2_CLOCK_HZ (25000000u)
#define MPS2_REG(address) (*(volatile uint32_t *)(address))

// CMSDK APB UARTs 0..4. UART0 is the console of the port. The fifth one is not at 0x40008000
// (that is the watchdog) but at 0x40009000.
typedef struct {
    volatile uint32_t data;
    volatile uint32_t state;
    volatile uint32_t ctrl;
    volatile uint32_t intstatus;    // write 1 to clear
    volatile uint32_t bauddiv;      // at least 16
} mps2_uart_regs_t;

#define MPS2_UART_COUNT (5)
#define MPS2_UARTS { (mps2_uart_regs_t *)0x40004000, (mps2_uart_regs_t *)0x40005000, \
                     (mps2_uart_regs_t *)0x40006000, (mps2_uart_regs_t *)0x40007000, (mps2_uart_regs_t *)0x40009000 }
#define MPS2_UART_RX_IRQS { 0, 2, 4, 18, 20 }

#define MPS2_UART_STATE_TX_FULL (1u << 0)
#define MPS2_UART_STATE_RX_FULL (1u << 1)
#define MPS2_UART_CTRL_TX_EN (1u << 0)
#define MPS2_UART_CTRL_RX_EN (1u << 1)
#define MPS2_UART_CTRL_RX_INT (1u << 3)

// CMSDK timer 0, interrupt 8: the alarm that ends an idle sleep.
#define MPS2_TIMER_CTRL MPS2_REG(0x40000000)
#define MPS2_TIMER_VALUE MPS2_REG(0x40000004)
#define MPS2_TIMER_RELOAD MPS2_REG(0x40000008)
#define MPS2_TIMER_INTCLEAR MPS2_REG(0x4000000c)
#define MPS2_TIMER_IRQ (8)
#define MPS2_TIMER_CTRL_RUN (1u << 0)
#define MPS2_TIMER_CTRL_RUN_INT (1u << 0 | 1u << 3)

// CMSDK timer 1 counts down at the full clock, behind time.ticks_cpu().
#define MPS2_CPU_TICKS_CTRL MPS2_REG(0x40001000)
#define MPS2_CPU_TICKS_LEFT MPS2_REG(0x40001004)
#define MPS2_CPU_TICKS_RELOAD MPS2_REG(0x40001008)

// CMSDK watchdog.
#define MPS2_WDT_LOAD MPS2_REG(0x40008000)
#define MPS2_WDT_CTRL MPS2_REG(0x40008008)
#define MPS2_WDT_INTCLEAR MPS2_REG(0x4000800c)
#define MPS2_WDT_LOCK MPS2_REG(0x40008c00)
#define MPS2_WDT_UNLOCK_KEY (0x1ACCE551u)
#define MPS2_WDT_CTRL_INT_RESET (1u << 0 | 1u << 1)

// FPGAIO free-running counter: 25 MHz / (prescale + 1), 32 bits.
#define MPS2_COUNTER MPS2_REG(0x40028018)
#define MPS2_COUNTER_PRESCALE MPS2_REG(0x4002801c)

// Cortex-M interrupt controller, interrupts 0..31.
#define MPS2_NVIC_ENABLE MPS2_REG(0xE000E100)
#define MPS2_NVIC_DISABLE MPS2_REG(0xE000E180)
#define MPS2_NVIC_CLEAR_PENDING MPS2_REG(0xE000E280)

// Frames of Python functions: a place in the PSRAM, as exchange.py has it.
#define MPS2_FRAMES ((uint8_t *)0x21F10000)
#define MPS2_FRAMES_BYTES (0xC000)
#define MPS2_FRAMES_FILL (0xA5)

// console.c
bool mps2_console_has_input(void);

// uart_ring.c
#define MPS2_NO_INPUT (UINT32_MAX)
void mps2_ring_clear(int uart);
size_t mps2_ring_fill(int uart);
uint8_t mps2_ring_get(int uart);
bool mps2_ring_ready(int uart);
uint32_t mps2_rings_poll(void);

#endif
