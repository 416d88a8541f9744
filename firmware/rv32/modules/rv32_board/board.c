// What an ESP32 board has and MicroPython's qemu port lacks: a clock, a console that receives in an
// interrupt (so that Ctrl-C breaks into any loop), sleeping while idle, a file system at start, and
// a program that starts with it. Machine: qemu-system-riscv32 -machine virt. Addresses: qemu
// hw/riscv/virt.c, SiFive CLINT and PLIC manuals, 16550 UART.

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#include "py/builtin.h"
#include "py/mphal.h"
#include "py/ringbuf.h"
#include "py/runtime.h"
#include "py/stackctrl.h"
#include "py/stream.h"
#include "shared/runtime/interrupt_char.h"
#include "shared/runtime/pyexec.h"
#include "uart.h"

#define MTIMECMP (*(volatile uint64_t *)0x02004000)
#define MTIME_LO (*(volatile uint32_t *)0x0200BFF8)
#define MTIME_HI (*(volatile uint32_t *)0x0200BFFC)
#define PLIC_PRIORITY(source) (*(volatile uint32_t *)(0x0C000000 + 4 * (source)))
#define PLIC_ENABLE (*(volatile uint32_t *)0x0C002000)
#define PLIC_THRESHOLD (*(volatile uint32_t *)0x0C200000)
#define PLIC_CLAIM (*(volatile uint32_t *)0x0C200004)
#define UART_IER (*(volatile uint8_t *)0x10000001)
#define UART_FCR (*(volatile uint8_t *)0x10000002)
#define UART_LCR (*(volatile uint8_t *)0x10000003)
#define UART_DLL (*(volatile uint8_t *)0x10000000)
#define UART_DLM (*(volatile uint8_t *)0x10000001)
#define UART_LSR (*(volatile uint8_t *)0x10000005)
#define UART_LSR_TEMT 0x40 // everything sent
#define UART_SOURCE 10

// Written by the host's loader, zero otherwise. 1: hide the host's stalls from the clock (real-time
// streaming).
#define CONFIG_PACED (*(volatile uint32_t *)0x80FFF000)

#define MSTATUS_MIE 0x008
#define MIE_TIMER 0x080
#define MIE_EXTERNAL 0x800
#define TICKS_PER_US 10
#define TICKS_PER_MS 10000

#define STACK_LIMIT_BYTES (15 * 1024) // the ESP32 port's main task: 16 kB less 1 kB

// The ESP32 port has 260 bytes here, filled at 11.5 bytes per ms. qemu delivers a whole burst at
// once, so the room is larger; full drops the newest, as there.
static uint8_t rx_store[4096];
static ringbuf_t rx = { rx_store, sizeof(rx_store), 0, 0 };

unsigned long rv32_irq_off(void) {
    unsigned long state;
    __asm volatile ("csrrci %0, mstatus, %1" : "=r" (state) : "i" (MSTATUS_MIE) : "memory");
    return state & MSTATUS_MIE;
}

void rv32_irq_restore(unsigned long state) {
    __asm volatile ("csrs mstatus, %0" : : "r" (state) : "memory");
}

/******************************************************************************/
// Clock. The machine timer runs at 10 MHz on the host's monotonic clock, so when the host does not
// run us it jumps. In paced mode the clock that Python sees never steps by more than PACED_STEP:
// the rest is owed and paid back at one eighth of the speed, so a stall makes us late for a while
// instead of losing timer callbacks. A 1 kHz interrupt looks at the timer, so long computing
// without any look at the clock is still measured. Unpaced the clock is the timer.

#define PACED_STEP (4 * TICKS_PER_MS)
#define PACED_OWED_MAX (2000 * TICKS_PER_MS) // a longer stop (a suspended process) is dropped

static uint64_t clock_ticks;
static uint64_t clock_seen;
static uint64_t clock_owed;
static uint64_t watchdog_ticks; // when it bites, 0: never

#define WAKE_TICKS (100 * TICKS_PER_US)
#define WATCHDOG_EXIT 4 // what qemu then leaves with

static uint64_t mtime(void) {
    uint32_t high, low;
    do {
        high = MTIME_HI;
        low = MTIME_LO;
    } while (high != MTIME_HI);
    return ((uint64_t)high << 32) | low;
}

static uint64_t clock_pace(uint64_t step) {
    if (step > PACED_STEP) {
        clock_owed += step - PACED_STEP;
        step = PACED_STEP;
        if (clock_owed > PACED_OWED_MAX) {
            clock_owed = PACED_OWED_MAX;
        }
    }
    uint64_t back = step / 8 < clock_owed ? step / 8 : clock_owed;
    clock_owed -= back;
    return step + back;
}

static uint64_t clock_now(void) {
    unsigned long state = rv32_irq_off();
    uint64_t now = mtime();
    uint64_t step = now - clock_seen;
    clock_seen = now;
    clock_ticks += CONFIG_PACED ? clock_pace(step) : step;
    uint64_t ticks = clock_ticks;
    rv32_irq_restore(state);
    return ticks;
}

// Idle until an interrupt, or at most `ticks`. Interrupts are off from setting the alarm to wfi
// (which wakes on a pending one all the same), so none can slip in between. Unpaced, the timer
// interrupt is never taken: it would add instructions to what is being counted.
static void idle(uint64_t ticks) {
    unsigned long state = rv32_irq_off();
    MTIMECMP = mtime() + ticks;
    __asm volatile ("csrs mie, %0\n wfi" : : "r" (MIE_TIMER) : "memory");
    if (!CONFIG_PACED) {
        __asm volatile ("csrc mie, %0" : : "r" (MIE_TIMER) : "memory");
    }
    rv32_irq_restore(state);
}

void rv32_wait(int timeout_ms) {
    if (timeout_ms != 0) {
        idle(TICKS_PER_MS);
    }
}

mp_uint_t mp_hal_ticks_ms(void) {
    return clock_now() / TICKS_PER_MS;
}

mp_uint_t mp_hal_ticks_us(void) {
    return clock_now() / TICKS_PER_US;
}

uint64_t mp_hal_time_ns(void) {
    return clock_now() * 100;
}

// Instructions executed under -icount shift=0; nothing meaningful otherwise.
mp_uint_t mp_hal_ticks_cpu(void) {
    uint32_t n;
    __asm volatile ("csrr %0, instret" : "=r" (n));
    return n;
}

// The last of it by watching the clock: waking up takes a host longer than that. Unpaced all of it, as it always counts.
void mp_hal_delay_us(mp_uint_t us) {
    uint64_t end = clock_now() + (uint64_t)us * TICKS_PER_US;
    for (uint64_t now; (now = clock_now()) < end;) {
        if (CONFIG_PACED && end - now > WAKE_TICKS) {
            idle(end - now - WAKE_TICKS < TICKS_PER_MS ? end - now - WAKE_TICKS : TICKS_PER_MS);
        }
    }
}

void mp_hal_delay_ms(mp_uint_t ms) {
    uint64_t end = clock_now() + (uint64_t)ms * TICKS_PER_MS;
    for (;;) {
        mp_event_handle_nowait();
        uint64_t now = clock_now();
        if (now >= end) {
            return;
        }
        idle(end - now < TICKS_PER_MS ? end - now : TICKS_PER_MS);
    }
}

/******************************************************************************/
// Interrupts: the port's table ignores all of them, so this one stands in front and keeps its
// exception handler.

void mtvec_exception(void);

__attribute__((interrupt("machine"), used)) static void timer_isr(void) {
    uint64_t now = clock_now();
    if (watchdog_ticks != 0 && now >= watchdog_ticks) {
        exit(WATCHDOG_EXIT);
    }
    MTIMECMP = mtime() + TICKS_PER_MS;
}

__attribute__((interrupt("machine"), used)) static void external_isr(void) {
    uint32_t source = PLIC_CLAIM;
    for (int c; (c = uart_rx_chr()) >= 0;) {
        if (c == mp_interrupt_char) {
            mp_sched_keyboard_interrupt();
        } else {
            ringbuf_put(&rx, c);
        }
    }
    PLIC_CLAIM = source;
}

__attribute__((naked, aligned(256), used)) static void vectors(void) {
    __asm volatile (
        ".option push\n .option norvc\n"
        ".org vectors + 0\n  jal zero, mtvec_exception\n"
        ".org vectors + 28\n jal zero, timer_isr\n"
        ".org vectors + 44\n jal zero, external_isr\n"
        ".option pop\n");
}

static void interrupts_start(void) {
    rv32_irq_off();
    __asm volatile ("csrw mtvec, %0" : : "r" ((uintptr_t)vectors | 1));
    UART_LCR = 0x83; // 8 bits; the next two are its divider: 115200 baud, so that a wait of 4 bytes is short
    UART_DLL = 1;
    UART_DLM = 0;
    UART_LCR = 0x03;
    // FIFO on, an interrupt at 14 bytes or after 4 without one: qemu hands over as many at a time. Without it input
    // crawls at about one byte per ms, with an interrupt at each byte at 16.
    UART_FCR = 0xC1;
    UART_IER = 0x01; // received data
    PLIC_PRIORITY(UART_SOURCE) = 1;
    PLIC_ENABLE = 1 << UART_SOURCE;
    PLIC_THRESHOLD = 0;
    MTIMECMP = mtime() + TICKS_PER_MS;
    __asm volatile ("csrs mie, %0" : : "r" (CONFIG_PACED ? MIE_EXTERNAL | MIE_TIMER :
    MIE_EXTERNAL)); rv32_irq_restore(MSTATUS_MIE); // the port's start code leaves them off
}

/******************************************************************************/
// Console.

uintptr_t __wrap_mp_hal_stdio_poll(uintptr_t flags) {
    uintptr_t ready = flags & MP_STREAM_POLL_WR;
    if ((flags & MP_STREAM_POLL_RD) && ringbuf_peek(&rx) >= 0) {
        ready |= MP_STREAM_POLL_RD;
    }
    return ready;
}

int __wrap_mp_hal_stdin_rx_chr(void) {
    for (;;) {
        int c = ringbuf_get(&rx);
        if (c >= 0) {
            return c;
        }
        mp_event_wait_ms(1);
    }
}

/******************************************************************************/
// Start. As on a board: at power-on, and after a soft reset from the friendly prompt, the program
// runs; after a soft reset from the raw prompt (mpremote) only the file system is there. The program
// is /_start.py. Where there is none, this is a board with stand-ins of its own: those are put in
// place and main.py runs.

static bool program_due;

void rv32_boot(void) {
    static bool powered;
    if (!powered) {
        powered = true;
        clock_seen = mtime();
        mp_stack_set_limit(STACK_LIMIT_BYTES);
        interrupts_start();
    }
    pyexec_frozen_module("_boot.py", false);
    program_due = pyexec_mode_kind == PYEXEC_MODE_FRIENDLY_REPL;
}

int __real_pyexec_friendly_repl(void);

static int program_run(void) {
    if (mp_import_stat("_start.py") == MP_IMPORT_STAT_FILE) {
        return pyexec_file_if_exists("_start.py");
    }
    int result = pyexec_file_if_exists("/twin/_start.py");
    return result == 1 ? pyexec_file_if_exists("main.py") : result;
}

int __wrap_pyexec_friendly_repl(void) {
    if (program_due) {
        program_due = false;
        int result = program_run();
        if (result & PYEXEC_FORCED_EXIT) {
            return result;
        }
    }
    return __real_pyexec_friendly_repl();
}

/******************************************************************************/
// Module rv32: what a program on this machine cannot ask of the standard modules.

// rv32.exit(code): end the machine; qemu leaves with that exit code. (machine.reset() leaves with
// 0.)
static mp_obj_t rv32_exit(mp_obj_t code) {
    while (!(UART_LSR & UART_LSR_TEMT)) {
    }
    exit(mp_obj_get_int(code));
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(rv32_exit_obj, rv32_exit);

// rv32.watchdog(ms): end the machine with exit code 4 when that time has passed without another call,
// whatever the program does; 0: never. Only where stalls are hidden from the clock.
static mp_obj_t rv32_watchdog(mp_obj_t timeout_ms) {
    uint64_t timeout = (uint64_t)mp_obj_get_int(timeout_ms) * TICKS_PER_MS;
    uint64_t due = timeout ? clock_now() + timeout : 0;
    unsigned long state = rv32_irq_off();
    watchdog_ticks = due;
    rv32_irq_restore(state);
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(rv32_watchdog_obj, rv32_watchdog);

static const mp_rom_map_elem_t rv32_globals_table[] = {
    { MP_ROM_QSTR(MP_QSTR___name__), MP_ROM_QSTR(MP_QSTR_rv32) },
    { MP_ROM_QSTR(MP_QSTR_exit), MP_ROM_PTR(&rv32_exit_obj) },
    { MP_ROM_QSTR(MP_QSTR_watchdog), MP_ROM_PTR(&rv32_watchdog_obj) },
};
static MP_DEFINE_CONST_DICT(rv32_globals, rv32_globals_table);

const mp_obj_module_t rv32_module = {
    .base = { &mp_type_module },
    .globals = (mp_obj_dict_t *)&rv32_globals,
};

MP_REGISTER_MODULE(MP_QSTR_rv32, rv32_module);
