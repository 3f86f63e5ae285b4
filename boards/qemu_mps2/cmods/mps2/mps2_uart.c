// machine.UART over the CMSDK UARTs, polled. Included by extmod/machine_uart.c.
//
// The model moves one byte at a time and has no line timing: the baud rate is stored but has no
// effect; bits, parity, stop, rxbuf and txbuf are accepted and ignored; nothing overruns.
// UART(0) is the console, so a program opens 1 to 4.
#include "py/mphal.h"
#include "py/mperrno.h"
#include "py/stream.h"
#include "mps2.h"

typedef struct _machine_uart_obj_t {
    mp_obj_base_t base;
    uint8_t id;
    uint16_t timeout;           // ms to wait for the first byte of a read
    uint16_t timeout_char;      // ms to wait for each further byte
    uint32_t baudrate;
    mps2_uart_regs_t *regs;
} machine_uart_obj_t;

static mps2_uart_regs_t *const mps2_uarts[MPS2_UART_COUNT] = MPS2_UARTS;

#define MICROPY_PY_MACHINE_UART_CLASS_CONSTANTS     // none: no flow control, no inversion, no irq

static bool mps2_uart_has_input(machine_uart_obj_t *self) {
    return mps2_ring_fill(self->id) != 0;
}

static bool mps2_uart_has_room(machine_uart_obj_t *self) {
    return !(self->regs->state & MPS2_UART_STATE_TX_FULL);
}

static void mp_machine_uart_print(const mp_print_t *print, mp_obj_t self_in, mp_print_kind_t kind) {
    machine_uart_obj_t *self = MP_OBJ_TO_PTR(self_in);
    mp_printf(print, "UART(%u, baudrate=%u)", self->id, (unsigned)self->baudrate);
}

static void mp_machine_uart_init_helper(machine_uart_obj_t *self, size_t n_args, const mp_obj_t *pos_args, mp_map_t *kw_args) {
    enum { ARG_baudrate, ARG_bits, ARG_parity, ARG_stop, ARG_timeout, ARG_timeout_char, ARG_rxbuf, ARG_txbuf };
    static const mp_arg_t allowed_args[] = {
        { MP_QSTR_baudrate, MP_ARG_INT, {.u_int = 9600} },
        { MP_QSTR_bits, MP_ARG_INT, {.u_int = 8} },
        { MP_QSTR_parity, MP_ARG_OBJ, {.u_rom_obj = MP_ROM_NONE} },
        { MP_QSTR_stop, MP_ARG_INT, {.u_int = 1} },
        { MP_QSTR_timeout, MP_ARG_KW_ONLY | MP_ARG_INT, {.u_int = 0} },
        { MP_QSTR_timeout_char, MP_ARG_KW_ONLY | MP_ARG_INT, {.u_int = 2} },
        { MP_QSTR_rxbuf, MP_ARG_KW_ONLY | MP_ARG_INT, {.u_int = 256} },
        { MP_QSTR_txbuf, MP_ARG_KW_ONLY | MP_ARG_INT, {.u_int = 256} },
    };
    mp_arg_val_t args[MP_ARRAY_SIZE(allowed_args)];
    mp_arg_parse_all(n_args, pos_args, kw_args, MP_ARRAY_SIZE(allowed_args), allowed_args, args);

    mp_int_t baudrate = args[ARG_baudrate].u_int;
    if (baudrate < 1 || baudrate > (mp_int_t)(MPS2_CLOCK_HZ / 16)) {
        mp_raise_ValueError(MP_ERROR_TEXT("bad baudrate"));
    }
    self->baudrate = baudrate;
    self->timeout = args[ARG_timeout].u_int;
    self->timeout_char = args[ARG_timeout_char].u_int;
    self->regs->bauddiv = MPS2_CLOCK_HZ / baudrate;
    self->regs->ctrl = MPS2_UART_CTRL_TX_EN | MPS2_UART_CTRL_RX_EN;
    mps2_ring_clear(self->id);
}

static mp_obj_t mp_machine_uart_make_new(const mp_obj_type_t *type, size_t n_args, size_t n_kw, const mp_obj_t *args) {
    mp_arg_check_num(n_args, n_kw, 1, MP_OBJ_FUN_ARGS_MAX, true);
    mp_int_t id = mp_obj_get_int(args[0]);
    if (id < 1 || id >= MPS2_UART_COUNT) {
        mp_raise_ValueError(MP_ERROR_TEXT("UART doesn't exist"));
    }
    machine_uart_obj_t *self = mp_obj_malloc(machine_uart_obj_t, &machine_uart_type);
    self->id = id;
    self->regs = mps2_uarts[id];
    mp_map_t kw_args;
    mp_map_init_fixed_table(&kw_args, n_kw, args + n_args);
    mp_machine_uart_init_helper(self, n_args - 1, args + 1, &kw_args);
    return MP_OBJ_FROM_PTR(self);
}

static void mp_machine_uart_deinit(machine_uart_obj_t *self) {
    self->regs->ctrl = 0;
}

static mp_int_t mp_machine_uart_any(machine_uart_obj_t *self) {
    return mps2_ring_fill(self->id);
}

static bool mp_machine_uart_txdone(machine_uart_obj_t *self) {
    return mps2_uart_has_room(self);
}

static mp_uint_t mp_machine_uart_read(mp_obj_t self_in, void *buf_in, mp_uint_t size, int *errcode) {
    machine_uart_obj_t *self = MP_OBJ_TO_PTR(self_in);
    uint8_t *buf = buf_in;
    mp_uint_t count = 0;
    mp_uint_t patience = self->timeout;
    mp_uint_t since = mp_hal_ticks_ms();
    while (count < size) {
        if (mps2_uart_has_input(self)) {
            buf[count++] = mps2_ring_get(self->id);
            patience = self->timeout_char;
            since = mp_hal_ticks_ms();
        } else if (mp_hal_ticks_ms() - since >= patience) {
            break;
        } else {
            mp_event_handle_nowait();
        }
    }
    if (count == 0) {
        *errcode = MP_EAGAIN;
        return MP_STREAM_ERROR;
    }
    return count;
}

static mp_uint_t mp_machine_uart_write(mp_obj_t self_in, const void *buf_in, mp_uint_t size, int *errcode) {
    machine_uart_obj_t *self = MP_OBJ_TO_PTR(self_in);
    const uint8_t *buf = buf_in;
    for (mp_uint_t i = 0; i < size; i++) {
        while (!mps2_uart_has_room(self)) {
            mp_event_handle_nowait();
        }
        self->regs->data = buf[i];
    }
    return size;
}

static mp_uint_t mp_machine_uart_ioctl(mp_obj_t self_in, mp_uint_t request, uintptr_t arg, int *errcode) {
    machine_uart_obj_t *self = MP_OBJ_TO_PTR(self_in);
    if (request == MP_STREAM_POLL) {
        mp_uint_t ready = 0;
        if ((arg & MP_STREAM_POLL_RD) && mps2_ring_ready(self->id)) {
            ready |= MP_STREAM_POLL_RD;
        }
        if ((arg & MP_STREAM_POLL_WR) && mps2_uart_has_room(self)) {
            ready |= MP_STREAM_POLL_WR;
        }
        return ready;
    }
    if (request == MP_STREAM_FLUSH) {
        while (!mps2_uart_has_room(self)) {
        }
        return 0;
    }
    *errcode = MP_EINVAL;
    return MP_STREAM_ERROR;
}
