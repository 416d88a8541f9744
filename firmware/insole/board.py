# The board this runs on: its converters, button, LED and motor. Made once by main; the pins stand in boards/.
# Which board it is was written to memory when the insole was flashed; without that the chip's plain kit is assumed.
# The zones of the channels may stand there, too, where somebody has put the sensors elsewhere: 2 bits a channel, the
# first in the lowest. Then nobody knows the site of a channel whose zone is another than the board file says.
import sys

from esp32 import Partition
from machine import ADC, PWM, Pin, unique_id
from micropython import const

from . import wire

_MOTOR_HZ = const(5000)  # above what a motor follows
_MODULES = {
    wire.BOARD_ESP32_DEVKITC: "esp32_devkitc",
    wire.BOARD_ESP32_S3: "esp32_s3",
    wire.BOARD_ESP32_C3: "esp32_c3",
    wire.BOARD_INSOLE_S3: "insole_s3",
}
_KITS = {wire.BOARD_INSOLE_S3: wire.BOARD_ESP32_S3}  # of a board that is none: that of its chip


# The plain kit of the chip that MicroPython says it runs on.
def code_of_chip(name):
    if "C3" in name:
        return wire.BOARD_ESP32_C3
    return wire.BOARD_ESP32_S3 if "S3" in name else wire.BOARD_ESP32_DEVKITC


# The partition for sessions; None on a board that was flashed without one.
def sessions():
    found = Partition.find(Partition.TYPE_DATA, label="sessions")
    return found[0] if found else None


class Board:
    def __init__(self, code, zone_bits=-1):
        if code not in _MODULES:
            code = code_of_chip(getattr(sys.implementation, "_machine", ""))
        layout = getattr(__import__("insole.boards." + _MODULES[code]).boards, _MODULES[code])
        self.code = code
        self.channel_n = len(layout.ADC_PINS)
        self.zones = layout.ZONES
        self.sites = layout.SITES
        if 0 <= zone_bits < 1 << 2 * self.channel_n:
            self._assign(zone_bits, layout)
        self.adcs = [_adc(pin) for pin in layout.ADC_PINS]
        self.button = Pin(layout.BUTTON_PIN, Pin.IN, Pin.PULL_UP)
        self.led = Pin(layout.LED_PIN, Pin.OUT, value=0)
        self.motor = PWM(Pin(layout.MOTOR_PIN), freq=_MOTOR_HZ, duty_u16=0)
        self.battery = None if layout.BATTERY_PIN is None else _adc(layout.BATTERY_PIN)
        self._battery_parts = layout.BATTERY_PARTS

    # Whether a board's pins are there: on another chip the insole would not start. A computer has none, and plays any.
    def suits(self, code):
        machine = getattr(sys.implementation, "_machine", "")
        return "ESP32" not in machine or code not in _MODULES or _KITS.get(code, code) == code_of_chip(machine)

    def _assign(self, zone_bits, layout):
        self.zones = tuple([zone_bits >> 2 * k & 3 for k in range(self.channel_n)])
        kept = [self.zones[k] == layout.ZONES[k] for k in range(self.channel_n)]
        self.sites = tuple([layout.SITES[k] if kept[k] else wire.SITE_UNUSED for k in range(self.channel_n)])

    def device_id(self):
        return (unique_id() + bytes(8))[:8]

    # The pin sees one part of the voltage.
    def battery_mv(self):
        if self.battery is None:
            return wire.STATUS_BATTERY_MV_INVALID
        return self.battery.read_uv() * self._battery_parts // 1000


def _adc(pin):
    adc = ADC(Pin(pin))
    adc.atten(ADC.ATTN_11DB)
    return adc
