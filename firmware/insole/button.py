# The button: a short press begins or ends a session. Looked at once per turn of the main loop.
from time import ticks_diff, ticks_us

from micropython import const

_LEAST_US = const(30000)  # shorter is the contact bouncing
_LONGEST_US = const(2000000)  # longer is no short press: a shoe that presses on it, or the way into safe mode


class Button:
    def __init__(self, pin):
        self._pin = pin
        self._down = not pin.value()  # held since before the start: no press of ours
        self._counts = False
        self._since_us = ticks_us()

    # True once, when a short press ends.
    def turn(self):
        down = not self._pin.value()
        if down == self._down:
            if down and self._counts and ticks_diff(ticks_us(), self._since_us) > _LONGEST_US:
                self._counts = False
            return False
        self._down = down
        if down:
            self._counts = True
            self._since_us = ticks_us()
            return False
        return self._counts and ticks_diff(ticks_us(), self._since_us) >= _LEAST_US
