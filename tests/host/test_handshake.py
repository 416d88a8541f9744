"""Who answers on a port, and on which of several: against ptys with real frames, other frames, text or nothing."""

from __future__ import annotations

import json
import os
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pty_insole import OLDER, PtyInsole, gather, insole_maker
from serial.tools import list_ports

from retrosole import ports, wire
from retrosole.device import connect
from retrosole.errors import NoDeviceError, PortError, ProtocolError
from retrosole.framing import DamagedFrame, UnknownFrame, cobs_encode, parse

Make = Callable[..., PtyInsole]
UPDATE = "`retrosole update` brings its firmware to this program's version$"


@pytest.fixture
def make() -> Iterator[Make]:
    yield from insole_maker()


def register(folder: Path, *insoles: PtyInsole) -> None:
    for k, insole in enumerate(insoles):
        entry = {"pid": os.getpid(), "side": "left", "port": insole.port}
        (folder / f"{k}.json").write_text(json.dumps(entry))


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setattr(ports, "registry_dir", lambda: tmp_path)
    monkeypatch.setattr(list_ports, "comports", list)
    return tmp_path


# --------------------------------------------------------------------------------------------------------- handshake


def test_an_insole_says_who_it_is(make: Make) -> None:
    there = make(foot=wire.Side.RIGHT)
    with connect(there.port) as insole:
        assert insole.identity == there.identity
        assert (insole.side, insole.port) == ("right", there.port)


def test_hello_is_asked_again_when_the_first_is_lost(make: Make) -> None:
    there = make()
    there.answer = lambda command: there.usual_answer(command) if len(there.commands) > 2 else b""
    with connect(there.port) as insole:
        assert insole.identity == there.identity


def test_a_boot_log_before_the_identity_does_no_harm(make: Make) -> None:
    there = make()
    there.send(b"rst:0x1 (POWERON_RESET),boot:0x13\r\nload:0x3fff0030\r\n\0")
    with connect(there.port) as insole:
        assert insole.identity == there.identity
        assert insole.damaged_n == 0


def test_silence_is_no_device(make: Make) -> None:
    there = make()
    there.answer = lambda _: b""
    with pytest.raises(
        NoDeviceError, match=f"nothing answered on {there.port} within 0.6 s: is the insole switched on"
    ):
        connect(there.port, timeout_s=0.6)


@pytest.mark.parametrize(
    "text", [b"\r\n>>> ", b"Traceback (most recent call last):\r\n  NameError\r\n>>> ", b"login: "]
)
def test_a_text_console_is_said_to_be_one(make: Make, text: bytes) -> None:
    there = make()
    there.greeting = text
    with pytest.raises(
        ProtocolError, match=r"answers with text, not frames \('.*(>>>|login:)'\): a MicroPython .* `retrosole flash`$"
    ):
        connect(there.port, timeout_s=1.0)


def test_an_identity_too_short_for_its_own_version(make: Make) -> None:
    there = make()
    body = b"\x10\x01\x03abc"
    there.greeting = cobs_encode(body + zlib.crc32(body).to_bytes(4, "little")) + b"\0"
    with pytest.raises(
        ProtocolError,
        match=r"sent an identity of 5 bytes, too short for protocol 1\.3: `retrosole update` brings",
    ):
        connect(there.port)


def test_garbage_is_no_device(make: Make) -> None:
    there = make()
    there.greeting = bytes(range(128, 250)) + b"\0"
    with pytest.raises(
        NoDeviceError, match=r"sends bytes but gave no identity within 0.5 s \(0 good frames, \d+ damaged"
    ):
        connect(there.port, timeout_s=0.5)


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        (
            {"protocol_major": 2},
            r"speaks protocol 2\.3, this program 1\.3: update this program and the firmware to the same version$",
        ),
        ({"protocol_major": 0}, r"speaks protocol 0\.3, this program 1\.3: `retrosole update` brings"),
        (
            {"fingerprint": 0x1234},
            r"protocol 1\.3, this program 1\.3, but their specifications differ "
            rf"\(0x00001234, here 0x\w+\): {UPDATE}",
        ),
    ],
)
def test_another_version_is_refused_with_both_numbers(make: Make, changes: dict[str, int], text: str) -> None:
    with pytest.raises(ProtocolError, match=text):
        connect(make(**changes).port)


def test_an_older_identity_is_read_and_its_insole_refused(make: Make) -> None:
    who = parse(OLDER)
    assert isinstance(who, wire.IdentityFrame)
    assert (who.session, who.baseline[0], who.target_order, who.source) == (5, 101, 1, b"\xff" * 8)
    for n in range(2, len(OLDER)):
        assert isinstance(parse(OLDER[:n]), DamagedFrame), n
    for n in range(1, 8):
        assert isinstance(parse(OLDER + bytes(n)), DamagedFrame), "no version ever had so many"
    there = make()
    there.greeting = cobs_encode(OLDER + zlib.crc32(OLDER).to_bytes(4, "little")) + b"\0"
    with pytest.raises(ProtocolError, match=r"protocol 1\.1, this program 1\.3: `retrosole update` brings"):
        connect(there.port)


def test_a_lower_minor_is_refused(make: Make) -> None:
    with pytest.raises(ProtocolError, match=r"protocol 1\.0, this program 1\.3: `retrosole update` brings"):
        connect(make(protocol_minor=0).port)


def test_a_higher_minor_is_read_on_and_its_news_counted(make: Make) -> None:
    there = make(protocol_minor=7, fingerprint=0x1234)
    with connect(there.port) as insole:
        body = b"\x7eABC"
        there.send(cobs_encode(body + zlib.crc32(body).to_bytes(4, "little")) + b"\0")
        assert gather(insole, UnknownFrame) == [UnknownFrame(0x7E, b"ABC")]
        assert insole.ledger.unknown_n == 1


def test_an_identity_of_another_major_that_is_shorter_still_gives_both_numbers(make: Make) -> None:
    there = make()
    body = b"\x10\x03\x01"
    there.greeting = cobs_encode(body + zlib.crc32(body).to_bytes(4, "little")) + b"\0"
    with pytest.raises(
        ProtocolError,
        match=r"speaks protocol 3\.1, this program 1\.3: update this program and the firmware to the same version$",
    ):
        connect(there.port)


def test_a_port_that_goes_while_asked_is_a_port_error(make: Make) -> None:
    there = make()

    def go(_: Any) -> bytes:
        there.vanish()
        return b""

    there.answer = go
    with pytest.raises(PortError, match="went away"):
        connect(there.port)


# ---------------------------------------------------------------------------------------------------- find the one


def test_the_only_insole_is_found(make: Make, registry: Path) -> None:
    there = make()
    register(registry, there)
    with connect() as insole:
        assert insole.port == there.port


def test_no_port_at_all_says_what_to_do(registry: Path) -> None:
    with pytest.raises(NoDeviceError, match=r"no port has a known USB id and no virtual insole runs.*`retrosole sim`"):
        connect()


def test_two_insoles_are_listed(make: Make, registry: Path) -> None:
    one, two = make(), make(foot=wire.Side.RIGHT)
    register(registry, one, two)
    with pytest.raises(NoDeviceError) as caught:
        connect()
    assert str(caught.value) == (f"2 insoles answer (left at {one.port}, right at {two.port}): choose one with --port")
    with connect(side="right") as insole:
        assert insole.port == two.port
    with connect(one.port) as insole:  # both were let go of
        assert insole.side == "left"


def test_a_side_that_is_not_there(make: Make, registry: Path) -> None:
    there = make()
    register(registry, there)
    with pytest.raises(
        NoDeviceError, match=rf"no right insole answers \(looked at {there.port} \(left\)\): plug it in"
    ):
        connect(side="right")


def test_ports_that_are_all_in_use_are_no_missing_insole(make: Make, registry: Path) -> None:
    one, two = make(), make()
    register(registry, one, two)
    held = [connect(one.port), connect(two.port)]
    with pytest.raises(PortError, match=r"is in use.*; .*is in use"):
        connect()
    for insole in held:
        insole.close()


def test_the_only_candidate_gives_its_own_reason(make: Make, registry: Path) -> None:
    register(registry, make(protocol_major=9))
    with pytest.raises(ProtocolError, match=r"speaks protocol 9\.3, this program 1\.3"):
        connect()


def test_several_that_fail_are_listed(make: Make, registry: Path) -> None:
    one, two = make(), make(protocol_major=9)
    one.answer = lambda _: b""
    register(registry, one, two)
    (registry / "z.json").write_text(json.dumps({"pid": os.getpid(), "side": "left", "port": "/dev/ttyNONE"}))
    with pytest.raises(
        NoDeviceError, match=r"\(silent\), .* \(speaks otherwise\), /dev/ttyNONE \(cannot be opened\)\): "
    ):
        connect(timeout_s=0.5)


def test_confirm_lets_go_of_the_port(make: Make) -> None:
    there = make()
    candidate = ports.Candidate(there.port, "virtual", "", None, "left")
    assert ports.confirm(candidate) == there.identity
    assert ports.confirm(candidate) == there.identity
