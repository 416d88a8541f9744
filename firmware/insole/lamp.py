# The LED, for somebody without a host: what it shows in two seconds is a pattern of 16 steps of 131 ms, the first in
# the lowest bit. Called from the main loop; the LED is switched on a change only, and left to a cue that buzzes.
from time import ticks_us

from micropython import const

OFF = const(0)
SAMPLING = const(1)  # one blink
NEARLY_FULL = const(5)  # two: the store lasts for less than a minute
FULL = const(21)  # three: nothing is stored any more
REFUSED = const(0x5555)  # flickers: the button began nothing, for the store has no room

_STEP_SHIFT = const(17)


class Lamp:
    def __init__(self, led):
        self._led = led
        self._on = 0
        self.pattern = OFF

    def turn(self):
        on = self.pattern >> (ticks_us() >> _STEP_SHIFT & 15) & 1
        if on != self._on:
            self._on = on
            self._led.value(on)

    # The cue has switched the LED: it is as if off.
    def forget(self):
        self._on = 0
