"""The cue of the virtual insole: within 10 ms of the provisional contact, never on an unknown order, off by default."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

import retrosole
from retrosole import wire
from retrosole.twin.sim import SimOptions, virtual_insoles
from tests.machines import need

pytestmark = pytest.mark.slow

RATE_HZ = 200
MOTOR = "pwm25"  # of the DevKitC's board file
SECONDS = 30


@dataclass
class Cued:
    """The contacts that a host was told of, and when the motor was switched on, in us since the first sample."""

    contacts: list[wire.ContactFrame]
    buzzes_us: list[int]


@pytest.fixture(autouse=True)
def own_runtime_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))


def walk_with(gait: str, settings: dict[str, int], interpreter: str = "cpython") -> Cued:
    options = SimOptions(gait=gait, feet="left", speed=0.0, interpreter=interpreter, seed=2)
    with virtual_insoles(options) as insoles, retrosole.connect(insoles.ports["left"]) as insole:
        for name, value in settings.items():
            assert insole.set(name, value) == value
        insole.start()
        contacts = []
        for frame in insole:
            if isinstance(frame, wire.ContactFrame):
                contacts.append(frame)
            if isinstance(frame, wire.SamplesFrame) and frame.first_index > SECONDS * RATE_HZ:
                break
        insole.stop()
        trace = (insoles.folder / "left.trace").read_text(encoding="utf-8").splitlines()
    events = [line.split()[:3] for line in trace]
    return Cued(contacts, [int(at) for at, pin, value in events if pin == MOTOR and int(value) > 0])


def decided_us(contact: wire.ContactFrame) -> float:
    """Give when the device had the sample on which it decided: the record after whole samples of delay."""
    at_samples = contact.initial_contact_idx + contact.initial_contact_frac / 256
    return (int(at_samples + contact.delay) + (at_samples % 1 > 0)) * 1e6 / RATE_HZ


@pytest.mark.parametrize("interpreter", [pytest.param("cpython", marks=pytest.mark.slow), "unix32"])
def test_within_ten_ms_of_the_provisional_contact(interpreter: str) -> None:
    need(interpreter)
    cued = walk_with("backward", {"cue": 1, "target_order": wire.Order.HEEL_FIRST}, interpreter)
    wrong = [c for c in cued.contacts if c.contact_order == wire.Order.FOREFOOT_FIRST]
    assert len(wrong) >= 15
    assert all(c.cued == 1 for c in wrong)
    buzzes = [b for b in cued.buzzes_us if b <= decided_us(wrong[-1]) + 10_000]
    assert len(buzzes) == len(wrong)
    for contact, buzz_us in zip(wrong, buzzes, strict=True):
        assert 0 <= buzz_us - decided_us(contact) <= 10_000, (contact, buzz_us)


def test_off_by_default() -> None:
    cued = walk_with("heel_first_backward", {})
    assert len(cued.contacts) >= 15
    assert not cued.buzzes_us
    assert not any(c.cued for c in cued.contacts)


def test_on_target_it_is_quiet_and_off_target_it_buzzes() -> None:
    right = walk_with("backward", {"cue": 1})
    assert len(right.contacts) >= 15
    assert not right.buzzes_us
    wrong = walk_with("heel_first_backward", {"cue": 1})
    first = [c for c in wrong.contacts if c.contact_order == wire.Order.HEEL_FIRST]
    assert len(first) >= 15
    assert len(wrong.buzzes_us) >= len(first)


def test_never_on_an_order_that_is_not_known() -> None:
    for target in (wire.Order.FOREFOOT_FIRST, wire.Order.HEEL_FIRST):
        cued = walk_with("turning", {"cue": 1, "target_order": target})
        vague = [c for c in cued.contacts if c.contact_order in (wire.Order.UNKNOWN, wire.Order.TOGETHER)]
        assert vague, "nothing was tested"
        assert not any(c.cued for c in vague)
        assert all(c.contact_order != target for c in cued.contacts if c.cued)
