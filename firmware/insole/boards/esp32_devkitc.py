# ESP32 DevKitC: six channels, all on ADC1 (ADC2 is unusable while Wi-Fi runs).
from .. import wire

CODE = wire.BOARD_ESP32_DEVKITC
ADC_PINS = (36, 39, 34, 35, 32, 33)
ZONES = (wire.ZONE_FOREFOOT, wire.ZONE_FOREFOOT, wire.ZONE_FOREFOOT, wire.ZONE_FOREFOOT, wire.ZONE_HEEL, wire.ZONE_HEEL)
SITES = (
    wire.SITE_HALLUX,
    wire.SITE_MET1,
    wire.SITE_MET3,
    wire.SITE_MET5,
    wire.SITE_HEEL_MEDIAL,
    wire.SITE_HEEL_LATERAL,
)
BUTTON_PIN = 0  # BOOT
LED_PIN = 2
MOTOR_PIN = 25
BATTERY_PIN = None  # the bare board measures none
BATTERY_PARTS = None
