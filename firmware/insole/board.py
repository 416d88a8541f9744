# The board this runs on: its converters, button, LED and motor. Made once by main; the pins stand in boards/.
# Which board it is was written to memory when the insole was flashed; without that the chip's plain kit is assumed.
import sys

from machine import ADC, PWM, Pin, unique_id
from micropython import const

from . import wire

_MOTOR_HZ = const(5000)  # above what a motor follows
_MODULES = {
    wire.BOARD_ESP32_DEVKITC: "esp32_devkitc",
    wire.BOARD_ESP32_S3: "esp32_s3",
    wire.BOARD_ESP32_C3: "esp32_c3",
}


# The plain kit of the chip that MicroPython says it runs on.
def code_of_chip(name):
    if "C3" in name:
        return wire.BOARD_ESP32_C3
    return wire.BOARD_ESP32_S3 if "S3" in name else wire.BOARD_ESP32_DEVKITC


class Board:
    def __init__(self, code):
        if code not in _MODULES:
            code = code_of_chip(getattr(sys.implementation, "_machine", ""))
        layout = getattr(__import__("insole.boards." + _MODULES[code]).boards, _MODULES[code])
        self.code = code
        self.zones = layout.ZONES
        self.sites = layout.SITES
        self.channel_n = len(layout.ADC_PINS)
        self.adcs = [_adc(pin) for pin in layout.ADC_PINS]
        self.button = Pin(layout.BUTTON_PIN, Pin.IN, Pin.PULL_UP)
        self.led = Pin(layout.LED_PIN, Pin.OUT, value=0)
        self.motor = PWM(Pin(layout.MOTOR_PIN), freq=_MOTOR_HZ, duty_u16=0)
        self.battery = None if layout.BATTERY_PIN is None else _adc(layout.BATTERY_PIN)

    def device_id(self):
        return (unique_id() + bytes(8))[:8]

    # The pin sees half the voltage.
    def battery_mv(self):
        return wire.STATUS_BATTERY_MV_INVALID if self.battery is None else self.battery.read_uv() // 500


def _adc(pin):
    adc = ADC(Pin(pin))
    adc.atten(ADC.ATTN_11DB)
    return adc
