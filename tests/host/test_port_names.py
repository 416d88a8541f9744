"""A chip with USB of its own may come back from a reset under another port name."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from serial.tools import list_ports

from retrosole.errors import PortError
from retrosole.flashing.esptool import EspTool
from retrosole.ports import native_number, port_now

ESPRESSIF, SILICON_LABS = 0x303A, 0x10C4


def plugged_in(monkeypatch: pytest.MonkeyPatch, *devices: tuple[str, int, str | None]) -> None:
    found = [SimpleNamespace(device=name, vid=vid, serial_number=number) for name, vid, number in devices]
    monkeypatch.setattr(list_ports, "comports", lambda: found)


def test_a_chip_is_known_by_its_number_however_it_is_spelt(monkeypatch: pytest.MonkeyPatch) -> None:
    plugged_in(monkeypatch, ("/dev/ttyACM0", ESPRESSIF, "7C:DF:A1:00:00:02"))
    number = native_number("/dev/ttyACM0")
    plugged_in(
        monkeypatch, ("/dev/ttyACM0", ESPRESSIF, "7C:DF:A1:00:00:01"), ("/dev/ttyACM1", ESPRESSIF, "7cdfa1000002")
    )
    assert port_now("/dev/ttyACM0", number) == "/dev/ttyACM1"


def test_while_it_is_away_and_when_it_kept_its_name_nothing_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    one = ("/dev/ttyACM0", ESPRESSIF, "7CDFA1000002")
    plugged_in(monkeypatch, one, ("/dev/ttyACM3", ESPRESSIF, "7CDFA1000002"))  # a chip may have two ports
    number = native_number("/dev/ttyACM0")
    assert port_now("/dev/ttyACM0", number) == "/dev/ttyACM0"
    plugged_in(monkeypatch)
    assert port_now("/dev/ttyACM0", number) == "/dev/ttyACM0"


@pytest.mark.parametrize("number", ["0001", None, ""])
def test_what_a_bridge_says_is_no_name(monkeypatch: pytest.MonkeyPatch, number: str | None) -> None:
    plugged_in(monkeypatch, ("/dev/ttyUSB0", SILICON_LABS, number))
    known = native_number("/dev/ttyUSB0")
    plugged_in(monkeypatch, ("/dev/ttyUSB1", SILICON_LABS, number), ("/dev/ttyACM1", ESPRESSIF, "7CDFA1000002"))
    assert known is None and port_now("/dev/ttyUSB0", known) == "/dev/ttyUSB0"


def test_a_chip_whose_port_goes_away_before_its_loader_answers_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    plugged_in(monkeypatch, ("/dev/ttyACM0", ESPRESSIF, "7cdfa1000002"))
    tool, asked = EspTool("/dev/ttyACM0"), []

    def run(*_words: str, **_how: object) -> str:
        asked.append(tool.port)
        if len(asked) == 1:
            plugged_in(monkeypatch, ("/dev/ttyACM1", ESPRESSIF, "7C:DF:A1:00:00:02"))
            raise PortError("it went away")
        return "Connected to ESP32-S3 on /dev/ttyACM1:\nMAC: 7c:df:a1:00:00:02\nDetected flash size: 8MB\n"

    monkeypatch.setattr(tool, "run", run)
    monkeypatch.setattr("time.sleep", lambda _: None)
    assert tool.detect().flash_bytes == 8 * 2**20
    assert asked == ["/dev/ttyACM0", "/dev/ttyACM1"]
    asked.clear()
    with pytest.raises(PortError, match="it went away"):
        EspTool.detect(tool_of_a_bridge(monkeypatch, run))


def tool_of_a_bridge(monkeypatch: pytest.MonkeyPatch, run: object) -> EspTool:
    tool = EspTool("/dev/ttyUSB0")
    monkeypatch.setattr(tool, "run", run)
    return tool
