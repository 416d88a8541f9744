# The `micropython` module for CPython: just what the firmware asks of it. Without `viper` the firmware's plain kernels
# run; heap_lock() means nothing here.


def const(value):
    return value


def alloc_emergency_exception_buf(size):
    pass


def kbd_intr(char):
    pass


def heap_lock():
    return 0


def heap_unlock():
    return 0
