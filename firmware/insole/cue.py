# The buzz: a vibration motor and the LED, on for a moment when a contact breaks the target order. Off by default, and
# never on an order that is unknown or together. Called from the main loop; turn() ends it.
from time import ticks_diff, ticks_us

from micropython import const

from . import wire

_STRENGTH_U16 = const(45000)  # 69 % of the battery's voltage: a coin motor for 3 V
_BUZZ_US = const(150000)  # felt in a shoe while walking; shorter than the shortest swing


class Cue:
    def __init__(self, motor, led):
        self._motor = motor
        self._led = led
        self._since_us = 0
        self.buzzing = False
        self.wanted = False
        self.target_order = wire.TARGET_ORDER_DEFAULT

    # A contact was seen; returns 1 when the cue fired on it.
    def contact(self, order):
        if not self.wanted or order == self.target_order:
            return 0
        if order != wire.ORDER_FOREFOOT_FIRST and order != wire.ORDER_HEEL_FIRST:
            return 0
        self._switch(True)
        self._since_us = ticks_us()
        return 1

    def turn(self):
        if self.buzzing and ticks_diff(ticks_us(), self._since_us) >= _BUZZ_US:
            self._switch(False)

    def stop(self):
        self._switch(False)

    def _switch(self, on):
        self.buzzing = on
        self._motor.duty_u16(_STRENGTH_U16 if on else 0)
        self._led.value(1 if on else 0)
