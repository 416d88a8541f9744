"""The virtual insole: the real firmware on MicroPython or CPython, behind a serial port."""
