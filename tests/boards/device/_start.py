# Runs before main.py, where the board's program is about to: console, time and select are then the stand-ins'. At the
# prompt they are the machine's own, as on any MicroPython.
import console

console.put_in_place()
del console
