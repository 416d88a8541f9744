RV32_BOARD_DIR := $(USERMOD_DIR)
SRC_USERMOD_C += $(RV32_BOARD_DIR)/board.c
CFLAGS_USERMOD += -I$(RV32_BOARD_DIR)
# The port defines these as strong symbols: the linker replaces them, the source stays untouched.
LDFLAGS += -Wl,--wrap=mp_hal_stdio_poll -Wl,--wrap=mp_hal_stdin_rx_chr -Wl,--wrap=pyexec_friendly_repl
