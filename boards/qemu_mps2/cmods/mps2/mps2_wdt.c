// machine.WDT over the CMSDK watchdog. Included by extmod/machine_wdt.c.
//
// The hardware resets at its second expiry, so the counter is loaded with half the wanted time. The
// first expiry is an NMI that nobody minds (machine.c).
#include "py/runtime.h"
#include "mps2.h"

typedef struct _machine_wdt_obj_t {
    mp_obj_base_t base;
} machine_wdt_obj_t;

static const machine_wdt_obj_t mps2_wdt = {{&machine_wdt_type}};

static machine_wdt_obj_t *mp_machine_wdt_make_new_instance(mp_int_t id, mp_int_t timeout_ms) {
    MPS2_WDT_LOCK = MPS2_WDT_UNLOCK_KEY;
    MPS2_WDT_LOAD = (uint32_t)timeout_ms * (MPS2_CLOCK_HZ / 1000 / 2);
    MPS2_WDT_CTRL = MPS2_WDT_CTRL_INT_RESET;
    return (machine_wdt_obj_t *)&mps2_wdt;
}

static void mp_machine_wdt_feed(machine_wdt_obj_t *self) {
    MPS2_WDT_INTCLEAR = 1;    // reloads the counter as well
}
