# The stand-in `machine`: the part of the ESP32's that the firmware uses, and nothing that the ESP32 stubs (1.24) do not
# offer; a test holds it to that. What it idealises: a converter returns the walk's count without noise of its own, at
# any attenuation; PWM has no frequency limits; pins have no electrical meaning.
import sys

from world import MASK, world

_BUTTON_PINS = (0, 9)
_BATTERY_PIN_UV = 1950000  # a cell of 3.9 V, halved


def idle():
    world.idle()


PWRON_RESET = 1
WDT_RESET = 3


def reset():
    world.end(3)


# Nothing of the virtual insole holds a button or lets a watchdog bite unless a test says so.
def reset_cause():
    return int(world.settings.get("reset_cause", 2))


def unique_id():
    text = world.settings.get("device_id", "246f28000000")
    return bytes([int(text[k : k + 2], 16) for k in range(0, len(text), 2)])


def disable_irq():
    return True


def enable_irq(state=True):
    pass


class Pin:
    IN = 1
    OUT = 3
    PULL_UP = 2
    PULL_DOWN = 1

    def __init__(self, id, mode=-1, pull=-1, *, value=None):
        self._id = id
        self._name = "pin%d" % id
        self._value = 0
        if value is not None:
            self.value(value)
        elif pull == Pin.PULL_UP:
            self._value = 1
        if id in _BUTTON_PINS and mode == Pin.IN and world.settings.get("button") == "held":
            self._value = 0

    def value(self, x=None):
        if x is None:
            return self._value
        if x != self._value:
            world.trace(self._name, x)
        self._value = x
        return None


class ADC:
    ATTN_11DB = 3
    _pins = []

    def __init__(self, pin):
        if pin._id not in ADC._pins:
            ADC._pins.append(pin._id)
        self._channel = ADC._pins.index(pin._id)

    def atten(self, attenuation):
        pass

    # 12 bits spread over 16, as the ESP32 port does.
    def read_u16(self):
        if self._channel >= world.channel_n:
            return 0
        count = world.record[self._channel]
        return count << 4 | count >> 8

    # What is no channel measures the battery, with half its voltage.
    def read_uv(self):
        return self.read_u16() * 50 if self._channel < world.channel_n else _BATTERY_PIN_UV


class PWM:
    def __init__(self, dest, *, freq=5000, duty_u16=0):
        self._name = "pwm%d" % dest._id
        self._duty = duty_u16

    def duty_u16(self, value=None):
        if value is None:
            return self._duty
        if value != self._duty:
            world.trace(self._name, value)
        self._duty = value
        return None

    def deinit(self):
        self.duty_u16(0)


class Timer:
    ONE_SHOT = 0
    PERIODIC = 1

    def __init__(self, id):
        if not 0 <= id <= 3:
            raise ValueError("invalid Timer number")
        self.period_us = 0
        self.due_us = 0
        self.once = False
        self.failed_n = 0
        self._callback = None

    # No `hard`: the ESP32 refuses it, callbacks are always soft.
    def init(self, *, mode=PERIODIC, freq=-1, period=-1, callback=None):
        self.deinit()
        self.period_us = round(1000000 / freq) if freq > 0 else period * 1000
        self.due_us = self.period_us + world.since_us()
        self.once = mode == Timer.ONE_SHOT
        self._callback = callback
        world.timers.append(self)
        if not self.once:
            world.rewind(self.due_us)

    def deinit(self):
        if self in world.timers:
            world.timers.remove(self)

    # What a callback raises is printed and dropped, as the port does. (It drops a Ctrl-C, too; here that passes, since
    # most of the time spent in a callback is the stand-in's own.)
    def call(self, lock_heap):
        if lock_heap:
            import micropython

            micropython.heap_lock()
        try:
            self._callback(self)
        except Exception as error:
            sys.print_exception(error)
            self.failed_n += 1
        finally:
            if lock_heap:
                micropython.heap_unlock()


class WDT:
    def __init__(self, *, id=0, timeout=5000):
        world.arm(timeout if timeout < MASK else 0)
        self.feed()

    def feed(self):
        world.feed()
