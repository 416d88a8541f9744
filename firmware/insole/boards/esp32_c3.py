# ESP32-C3 DevKitM-1: five channels, all that ADC1 has (GPIO 0 to 4).
from .. import wire

CODE = wire.BOARD_ESP32_C3
ADC_PINS = (0, 1, 2, 3, 4)
ZONES = (wire.ZONE_FOREFOOT, wire.ZONE_FOREFOOT, wire.ZONE_FOREFOOT, wire.ZONE_HEEL, wire.ZONE_HEEL)
SITES = (wire.SITE_HALLUX, wire.SITE_MET1, wire.SITE_MET5, wire.SITE_HEEL_MEDIAL, wire.SITE_HEEL_LATERAL)
BUTTON_PIN = 9  # BOOT
LED_PIN = 6  # a plain LED: the board's own is an addressable one
MOTOR_PIN = 7
BATTERY_PIN = None
BATTERY_PARTS = None
