# Fixed point and pressure against exact arithmetic.
from array import array

from insole.fixed import clamp, permille
from insole.pressure import UNKNOWN, Pressure


def test_clamp_and_permille():
    assert [clamp(v, -3, 3) for v in (-9, -3, 0, 3, 9)] == [-3, -3, 0, 3, 3]
    assert permille(1, 3) == 333
    assert permille(5, 0) == 0


def test_uncalibrated_load_is_not_a_number_of_anything():
    assert Pressure(2).raw_to_permille(0, 1000) == -1


def test_tare_and_calibrate():
    pressure = Pressure(2)
    pressure.tare(array("H", [100, 50]))
    assert pressure.calibrate(array("H", [1100, 550]))
    assert [pressure.raw_to_permille(0, raw) for raw in (0, 100, 600, 1100, 2100)] == [0, 0, 500, 1000, 2000]
    assert pressure.raw_to_permille(1, 550) == 1000


def test_calibrate_on_an_empty_shoe_changes_nothing():
    pressure = Pressure(2)
    pressure.tare(array("H", [100, 50]))
    assert not pressure.calibrate(array("H", [110, 60]))
    assert list(pressure.standing) == [UNKNOWN, UNKNOWN]
