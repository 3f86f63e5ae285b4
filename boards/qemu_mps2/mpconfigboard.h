// Build options of the emulated gateway board, laid over the stock options of ports/qemu.
// mpconfigboard.mk makes this file MP_CONFIGFILE, so it is read instead of <mpconfigport.h>
// and includes that file itself.
#include <mpconfigport.h>

// The stock port has no clock, hence no time, select or asyncio. machine.c supplies the clock.
#undef MICROPY_PY_TIME
#undef MICROPY_PY_SELECT
#undef MICROPY_PY_ASYNCIO
#define MICROPY_PY_TIME (1)
#define MICROPY_PY_TIME_TIME_TIME_NS (1)
#define MICROPY_PY_TIME_GMTIME_LOCALTIME_MKTIME (1)
#define MICROPY_PY_TIME_INCLUDEFILE "mps2_time.c"
#define MICROPY_PY_SELECT (1)
#define MICROPY_PY_ASYNCIO (1)

// sys.stdin.buffer: mpremote needs it for "mount" and for binary file transfer.
#undef MICROPY_PY_SYS_STDIO_BUFFER
#define MICROPY_PY_SYS_STDIO_BUFFER (1)

// The extmod classes include these files and turn them into machine.UART and machine.WDT.
#define MICROPY_PY_MACHINE_UART (1)
#define MICROPY_PY_MACHINE_UART_INCLUDEFILE "mps2_uart.c"
#define MICROPY_PY_MACHINE_WDT (1)
#define MICROPY_PY_MACHINE_WDT_INCLUDEFILE "mps2_wdt.c"

// As the ports of field boards have it: the next bytecode by a jump of its own.
#define MICROPY_OPT_COMPUTED_GOTO (1)

// Frames of functions have a stack of their own, which mps2_start() gives to the interpreter.
#define MICROPY_ENABLE_PYSTACK (1)

// The source package has no bundled mbedTLS to take AES from.
#define MICROPY_PY_CRYPTOLIB (0)

// Called at the end of mp_init(): frames, clock, mounts the flash, runs main.py.
void mps2_start(void);
#define MICROPY_PORT_INIT_FUNC mps2_start()

// Called by the event loop when there is nothing to do for up to TIMEOUT_MS (-1: no limit).
void mps2_wait(int timeout_ms);
#define MICROPY_INTERNAL_WFE(TIMEOUT_MS) mps2_wait(TIMEOUT_MS)

// Ctrl-C reaches a program that never waits.
void mps2_vm_hook(void);
#define MICROPY_VM_HOOK_LOOP mps2_vm_hook();
