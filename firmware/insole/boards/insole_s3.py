# The board of hardware/board, an ESP32-S3-WROOM-1: eight channels and the battery on ADC1 (GPIO 1 to 9). A test holds
# these pins against its schematic. GPIO 3 is read by the chip at reset, but only to choose between two debuggers.
from .. import wire

CODE = wire.BOARD_INSOLE_S3
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
LED_PIN = 47
MOTOR_PIN = 21
BATTERY_PIN = 9
BATTERY_PARTS = 2  # two equal resistors
