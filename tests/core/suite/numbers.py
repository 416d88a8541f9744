# What tare and calibration keep.
from array import array

from insole.pressure import UNKNOWN, Pressure


def test_tare_and_calibrate():
    pressure = Pressure(2)
    pressure.tare(array("H", [100, 50]))
    assert pressure.calibrate(array("H", [1100, 550]))
    assert list(pressure.baseline) == [100, 50] and list(pressure.standing) == [1000, 500]


def test_calibrate_on_an_empty_shoe_changes_nothing():
    pressure = Pressure(2)
    pressure.tare(array("H", [100, 50]))
    assert not pressure.calibrate(array("H", [110, 60]))
    assert list(pressure.standing) == [UNKNOWN, UNKNOWN]
