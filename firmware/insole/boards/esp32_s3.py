# ESP32-S3 DevKitC-1: eight channels on ADC1 (GPIO 1 to 8).
from .. import wire

CODE = wire.BOARD_ESP32_S3
ADC_PINS = (1, 2, 3, 4, 5, 6, 7, 8)
ZONES = (
    wire.ZONE_FOREFOOT,
    wire.ZONE_FOREFOOT,
    wire.ZONE_FOREFOOT,
    wire.ZONE_FOREFOOT,
    wire.ZONE_MIDFOOT,
    wire.ZONE_HEEL,
    wire.ZONE_HEEL,
    wire.ZONE_TOES,
)
SITES = (
    wire.SITE_HALLUX,
    wire.SITE_MET1,
    wire.SITE_MET3,
    wire.SITE_MET5,
    wire.SITE_MIDFOOT_LATERAL,
    wire.SITE_HEEL_MEDIAL,
    wire.SITE_HEEL_LATERAL,
    wire.SITE_TOES,
)
BUTTON_PIN = 0  # BOOT
LED_PIN = 47  # a plain LED: the board's own is an addressable one
MOTOR_PIN = 21
BATTERY_PIN = None
BATTERY_PARTS = None
