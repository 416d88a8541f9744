"""The power budget: up to date, and what it says of the firmware is so."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from hardware import power

BOARD, KIT = power.WAYS
FIRMWARE = Path(power.HERE).parent / "firmware"
SAMPLING = "sampling at 100 Hz, storing"
IDLE = "on, no session (the firmware does not sleep)"


def test_the_page_is_up_to_date() -> None:
    page = power.PAGE.read_text(encoding="utf-8")
    assert power.written(page) == page, "make hardware"
    assert "**not measured**" in page


def test_the_firmware_does_not_sleep_nor_change_its_clock() -> None:
    for path in [*FIRMWARE.glob("*.py"), *(FIRMWARE / "insole").rglob("*.py")]:
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"lightsleep|deepsleep|machine\.freq|\bfreq\(", text), f"{path.name}: POWER.md is wrong"


def test_what_follows_from_the_firmware() -> None:
    assert power.led_ma() == pytest.approx(2.0 / 16)  # one blink of a sixteenth
    assert power.motor_ma() == pytest.approx(75 * 45000 / 65536 * 5 / 60 * 0.15)
    assert power.store_ma(100, 8) == pytest.approx(20 * 0.8e-3 * 100 / power.records_per_frame(8))
    with pytest.raises(KeyError, match=r"cue\._NEVER"):
        power.constant("cue", "_NEVER")


def test_the_chip_is_nearly_all_of_it() -> None:
    for way in power.WAYS:
        states = power.budget(way)
        assert all(low <= usual <= high for low, usual, high in states.values())
        assert states[IDLE][1] < states[SAMPLING][1] < 1.2 * states[IDLE][1]
        assert 38 < states[SAMPLING][1] < 70
    assert power.front_end_ma(BOARD) < 1.5
    assert 3 < power.front_end_ma(KIT) < 10
    # Eight amplifiers of 0.1 mA and a reference of 33 uA draw that unloaded; sensors little more.
    assert power.front_end_ma(BOARD) > 0.8 + 0.033


def test_days_are_added_up_right() -> None:
    states = power.budget(BOARD)
    use = power.USES[0]
    usual = states[SAMPLING][1] * 0.25 + states[IDLE][1] * 5 / 60 + 0.015 * (24 - 0.25 - 5 / 60)
    assert power.day_mah(use, states, 0.015)[1] == pytest.approx(usual)
    assert 20 < 500 * 0.85 / usual < 35
    clinic = power.day_mah(power.USES[2], states, 0.015)
    assert clinic[0] < 500 * 0.85 < clinic[2], "POWER.md says that 500 mAh are not enough for certain"
    assert clinic[2] < 1000 * 0.85
