// Overlay over the qemu port's mpconfigport.h (given with -DMP_CONFIGFILE): what an ESP32's
// MicroPython has and this port lacks.
#include "mpconfigport.h"

#undef MICROPY_PY_TIME
#define MICROPY_PY_TIME (1)
#undef MICROPY_PY_SELECT
#define MICROPY_PY_SELECT (1)
#undef MICROPY_PY_SYS_STDIO_BUFFER
#define MICROPY_PY_SYS_STDIO_BUFFER (1)
#define MICROPY_KBD_EXCEPTION (1)
#define MICROPY_SCHEDULER_DEPTH (8) // as the ESP32 port

// Bytes arrive in an interrupt, so what it shares with the interpreter is guarded.
#define MICROPY_BEGIN_ATOMIC_SECTION() rv32_irq_off()
#define MICROPY_END_ATOMIC_SECTION(state) rv32_irq_restore(state)

#define MICROPY_INTERNAL_WFE(timeout_ms) rv32_wait(timeout_ms)
#define MICROPY_PORT_INIT_FUNC rv32_boot()

unsigned long rv32_irq_off(void);
void rv32_irq_restore(unsigned long state);
void rv32_wait(int timeout_ms);
void rv32_boot(void);
