"""Two feet on one clock: made in virtual time, so that the true error is known and stands beside the stated one."""

from __future__ import annotations

import random
from dataclasses import dataclass, field, replace

import numpy as np
import pytest
from made_logs import save
from pty_insole import counts_at, identity, stride_frame

from retrosole import wire
from retrosole.clock import WRAP_US, boot_us
from retrosole.framing import encode
from retrosole.samples import pack12
from retrosole.session.align import Alignment, align
from retrosole.session.reader import open_session
from retrosole.session.sidelog import SideLog
from tests.soak import IN_FULL

RATE_HZ, N, STEP = 200, 26, 40  # only each fortieth samples frame is written down: five seconds
SEEDS = range(200 if IN_FULL else 20)
UNIX_S = 1.8e9


@dataclass
class Link:
    """A USB-serial link: quick there, slow back, now and then very slow."""

    rng: random.Random
    there_ms: tuple[float, float] = (0.3, 1.5)
    back_ms: tuple[float, float] = (1.0, 16.0)
    stall: float = 0.03

    def delays_s(self) -> tuple[float, float]:
        there, back = self.rng.uniform(*self.there_ms), self.rng.uniform(*self.back_ms)
        if self.rng.random() < self.stall:
            back += self.rng.uniform(20, 100)
        if self.rng.random() < self.stall:
            there += self.rng.uniform(5, 100)
        return there / 1e3, back / 1e3


@dataclass
class Foot:
    """An insole with a crystal of its own; true time is the host's steady clock unless the host sleeps."""

    seed: int
    ppm: float
    booted_s: float = -100.0
    boot: int = 3
    zero_us: int = 0
    link: Link = field(init=False)
    parts: list[bytes] = field(default_factory=list)
    true_s: dict[int, dict[int, float]] = field(default_factory=dict)  # session, index

    def __post_init__(self) -> None:
        self.link = Link(random.Random(self.seed))
        self.parts.append(encode(identity(session=4, boot=self.boot)))

    def clock_us(self, true_s: float) -> int:
        return round((true_s - self.booted_s) * (1e6 + self.ppm)) + self.zero_us

    def uptime_s(self, true_s: float) -> int:
        return int((true_s - self.booted_s) * (1 + self.ppm * 1e-6))

    def host_clock(self, host_s: float, unix_s: float) -> None:
        self.parts.append(encode(wire.HostClockFrame(round(unix_s * 1e6), round(host_s * 1e6), 0)))

    def ask(self, true_s: float, host_less_true_s: float = 0.0) -> None:
        there_s, back_s = self.link.delays_s()
        sent_s = true_s + host_less_true_s
        answered_s = true_s + there_s
        clock_us = self.clock_us(answered_s) % WRAP_US
        sent_us, received_us = round(sent_s * 1e6), round((sent_s + there_s + back_s) * 1e6)
        frame = wire.ExchangeFrame(sent_us, received_us, clock_us, self.uptime_s(answered_s), self.boot)
        self.parts.append(encode(frame))

    def begin(self, session: int, true_s: float, continues: int | None = None, head: bool = True) -> None:
        start = replace(identity(), session=session, boot=self.boot, running=1)
        frame = wire.SessionHeadFrame(
            session,
            session if continues is None else continues,
            self.boot,
            self.uptime_s(true_s),
            self.clock_us(true_s) % WRAP_US,
            RATE_HZ,
            6,
            wire.Begun.HOST,
        )
        self.parts += ([encode(frame)] if head else []) + [encode(start)]

    def samples(self, session: int, first_s: float, seq: int) -> None:
        """Send a frame of a session that began at this time."""
        self.samples_of(session, self.clock_us(first_s), seq)

    def samples_of(self, session: int, first_us: int, seq: int) -> None:
        """Send a frame of a session that began at this reading of the clock."""
        index = seq * N
        device_us = first_us + index * 1_000_000 // RATE_HZ
        counts = pack12(counts_at(index, N))
        self.parts.append(encode(wire.SamplesFrame(session, seq, index, device_us % WRAP_US, counts)))
        true_s = self.booted_s + (device_us - self.zero_us) / (1e6 + self.ppm)
        self.true_s.setdefault(session, {})[index] = true_s

    def walk(self, session: int, first_s: float, seconds: float) -> None:
        for seq in range(0, round(seconds * RATE_HZ / N), STEP):
            self.samples(session, first_s, seq)

    def log(self, side: str) -> SideLog:
        return SideLog(side, b"".join(self.parts), side)


def pair(seed: int) -> dict[str, Foot]:
    rng = random.Random(f"pair {seed}")
    return {
        "left": Foot(seed, 25.0, -rng.uniform(1, 5000), zero_us=rng.randrange(WRAP_US)),
        "right": Foot(1000 + seed, -25.0, -rng.uniform(1, 5000), zero_us=rng.randrange(WRAP_US)),
    }


def error_s(feet: dict[str, Foot], logs: dict[str, SideLog]) -> float:
    """Give the largest true error between the feet: how differently they are off, over the whole session."""
    off = {}
    for side, foot in feet.items():
        true_s, told_s = [], []
        for segment in logs[side].segments:
            index = segment.samples.column("first_index")
            true_s += [foot.true_s[segment.session][i] for i in index.tolist()]
            told_s += segment.seconds(index, RATE_HZ).tolist()
        off[side] = np.array(true_s), np.array(told_s) - np.array(true_s)
    (left_s, left_off_s), (right_s, right_off_s) = off["left"], off["right"]
    return float(np.max(np.abs(left_off_s - np.interp(left_s, right_s, right_off_s))))


def check(feet: dict[str, Foot], within_s: float) -> tuple[float, float]:
    logs = {side: foot.log(side) for side, foot in feet.items()}
    told = align(logs)
    assert told.is_aligned, told.text
    wrong_s = error_s(feet, logs)
    assert wrong_s < within_s
    assert wrong_s < told.worst_s, "worse than the worst that was stated"
    return wrong_s, told.sigma_s


def with_host(seed: int, seconds: float = 900.0) -> dict[str, Foot]:
    feet = pair(seed)
    for k, foot in enumerate(feet.values()):
        foot.begin(5, 10 + 0.3 * k)
        for second in range(round(seconds)):
            foot.host_clock(10 + second, UNIX_S + second)
            foot.ask(10 + second + 0.1 * k)
            if second % 5 == 0 and second * RATE_HZ // N + STEP < seconds * RATE_HZ / N:
                foot.samples(5, 10 + 0.3 * k, second * RATE_HZ // N)
    return feet


def fetched(seed: int, away_s: float) -> dict[str, Foot]:
    """A session without a host, collected after it: queries only then, for two and a half minutes."""
    feet = pair(seed)
    for k, foot in enumerate(feet.values()):
        first_s, later_s = 30 + 0.7 * k, 30 + away_s
        foot.host_clock(later_s, UNIX_S)
        foot.begin(5, first_s)
        foot.walk(5, first_s, min(away_s, 900))
        for n in range(600):
            foot.ask(later_s + n / 4)
    return feet


def honest(found: list[tuple[float, float]]) -> None:
    """The stated 1 sigma is that of the true errors: neither a third of them, nor ten times as large."""
    ratio = np.array([wrong_s / sigma_s for wrong_s, sigma_s in found])
    assert 0.1 < np.sqrt(np.mean(ratio**2)) < 1.2


def check_with_host(seeds: range) -> None:
    honest([check(with_host(seed), 0.002) for seed in seeds])


def check_fetched(seeds: range, away_s: float) -> None:
    honest([check(fetched(seed, away_s), 0.010) for seed in seeds])


def test_clocks_50_ppm_apart_are_within_2_ms_over_15_minutes_with_a_host() -> None:
    check_with_host(range(4))


@pytest.mark.parametrize("away_s", [900.0, 1800.0])
def test_they_are_within_10_ms_when_fetched_afterwards(away_s: float) -> None:
    check_fetched(range(4), away_s)


@pytest.mark.slow
def test_many_pairs_with_a_host_and_fetched_afterwards() -> None:
    check_with_host(SEEDS)
    check_fetched(SEEDS, 900.0)
    check_fetched(SEEDS, 1800.0)


@pytest.mark.parametrize(
    ("there_ms", "back_ms"),
    [((1.0, 16.0), (1.0, 16.0)), ((1.0, 40.0), (3.0, 60.0)), ((0.2, 0.4), (0.3, 0.5)), ((5.0, 30.0), (1.0, 3.0))],
)
def test_other_links_are_within_what_is_stated(there_ms: tuple[float, float], back_ms: tuple[float, float]) -> None:
    for make in (lambda seed: with_host(seed, 300.0), lambda seed: fetched(seed, 900.0)):
        for seed in SEEDS[:3]:
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(Link, "there_ms", there_ms)
                patch.setattr(Link.__init__, "__defaults__", (there_ms, back_ms, 0.03))
                check(make(seed), 0.05)


def test_a_host_that_slept_or_set_its_clock_is_noticed() -> None:
    """Asleep for a minute after 200 s: its steady clock stood still. Then its time of day is set by an hour."""
    feet = pair(7)
    for k, foot in enumerate(feet.values()):
        foot.begin(5, 10.0 + 0.3 * k)
        for second in range(10, 600):
            if 210 <= second < 270:
                continue
            slept_s, set_s = 60.0 * (second >= 270), 3600.0 * (second >= 400)
            if second != 270:  # a second passes until the time of day is noted again
                foot.host_clock(second - slept_s, UNIX_S + second + set_s)
            foot.ask(second + 0.05, -slept_s)
        foot.walk(5, 10.0 + 0.3 * k, 580)
    check(feet, 0.002)


def test_clocks_that_do_not_run_evenly_are_followed() -> None:
    """A virtual insole on a busy computer: its clock is held up again and again, half a second in half a minute."""
    for seed in range(4):
        feet = pair(seed)
        for k, foot in enumerate(feet.values()):
            rng = random.Random(seed * 2 + k)
            foot.link = Link(rng, (0.3, 1.5), (0.3, 1.5))
            foot.begin(5, 10.0)
            first_us = foot.clock_us(10.0)
            for second in range(10, 100):
                foot.ask(second + 0.001)
                if second < 95:
                    foot.samples_of(5, first_us, (foot.clock_us(second) - first_us) // 130_000)
                if rng.random() < 0.2:
                    foot.booted_s += rng.uniform(0, 0.05)
        logs = {side: foot.log(side) for side, foot in feet.items()}
        told = align(logs)
        assert told.is_aligned
        assert 0.005 < told.sigma_s < 0.05, "nobody knows when within a second it was held up"
        for side, foot in feet.items():
            index = logs[side].segments[0].samples.column("first_index")
            off_s = logs[side].segments[0].seconds(index, RATE_HZ) - [foot.true_s[5][i] for i in index.tolist()]
            assert np.percentile(np.abs(off_s - np.median(off_s)), 85) < 0.005, "it is followed"
            assert np.ptp(off_s) < told.worst_s


def test_several_wraps_and_a_late_part_are_on_the_same_clock() -> None:
    """Three hours: the clock wraps ten times, the queries stop for an hour, and frames come in any order."""
    feet = pair(8)
    for k, foot in enumerate(feet.values()):
        foot.begin(5, 10.0 + 0.3 * k)
        begun_n = len(foot.parts)
        for second in range(10, 10_800, 5):
            if not 3000 < second < 6600:
                foot.ask(float(second))
        asked = foot.parts[begun_n:]
        foot.walk(5, 10.0 + 0.3 * k, 10_700)
        parts = foot.parts[begun_n + len(asked) :]
        random.Random(1).shuffle(parts)
        foot.parts[begun_n:] = [*parts, *asked]
    check(feet, 0.002)


def test_a_log_whose_head_was_lost_is_placed_by_the_query_beside_it() -> None:
    feet = pair(9)
    for k, foot in enumerate(feet.values()):
        foot.begin(5, 10.0 + 0.3 * k, head=False)
        for second in range(10, 3000, 5):
            foot.ask(float(second))
            foot.samples(5, 10.0 + 0.3 * k, (second - 10) * RATE_HZ // N)
    check(feet, 0.002)


def test_an_insole_that_was_reset_goes_on_at_the_right_time() -> None:
    """Left is reset after 100 s, begins a new boot and goes on 2 s later; what it lacked is fetched in the end."""
    feet = pair(10)
    left, right = feet.values()
    left.begin(65535, 10.0)  # session numbers are 16 bits: the next one is 0
    right.begin(5, 10.5)
    for second in range(10, 110):
        left.ask(float(second))
    before = left.booted_s, left.boot, left.zero_us
    left.booted_s, left.boot, left.zero_us = 111.0, 4, 12345
    left.begin(0, 112.0, continues=65535)
    left.walk(0, 112.0, 300)
    for second in range(112, 412):
        left.ask(float(second))
    left.booted_s, left.boot, left.zero_us = before
    left.walk(65535, 10.0, 95)
    for second in range(10, 412):
        right.ask(float(second))
    right.walk(5, 10.5, 400)
    logs = {side: foot.log(side) for side, foot in feet.items()}
    told = align(logs)
    assert told.is_aligned
    assert [segment.session for segment in logs["left"].segments] == [65535, 0]
    assert logs["left"].segments[1].base_idx == pytest.approx(102 * RATE_HZ, abs=1)


def test_without_queries_each_foot_keeps_its_own_seconds() -> None:
    feet = pair(11)
    for k, foot in enumerate(feet.values()):
        foot.begin(5, 10.0 + 0.3 * k)
        foot.walk(5, 10.0 + 0.3 * k, 60)
    feet["left"].ask(20.0)
    logs = {side: foot.log(side) for side, foot in feet.items()}
    told = align(logs)
    assert not told.is_aligned
    assert told.text == "not on one clock: the right log has no answered clock query; each foot keeps its own seconds"
    assert logs["left"].segments[0].seconds(np.array([0, 200]), RATE_HZ).tolist() == [0, 1]


def test_a_restart_before_the_fetch_leaves_the_order_only() -> None:
    feet = fetched(12, 900)
    left = feet["left"]
    left.boot, left.parts = 4, [part for part in left.parts if len(part) != len(left.parts[-1])]
    for n in range(600):
        left.ask(930 + n / 4)
    told = align({side: foot.log(side) for side, foot in feet.items()})
    assert not told.is_aligned
    assert told.text == (
        "not on one clock: the left insole was restarted before its clock was asked; date unknown, order known"
    )


def test_hosts_that_never_met_are_not_one_clock() -> None:
    feet = pair(13)
    for k, foot in enumerate(feet.values()):
        foot.begin(5, 10.0)
        foot.walk(5, 10.0, 60)
        foot.host_clock(5005.0, UNIX_S + 5000.0 * k)
        for second in range(70, 100):
            foot.ask(float(second), 5000 - 1000.0 * k)
    told = align({side: foot.log(side) for side, foot in feet.items()})
    assert not told.is_aligned
    assert told.text.startswith("not on one clock: the host was restarted, or its clock set, between")


def test_too_few_queries_are_said_to_be_the_reason() -> None:
    def told(query_n: int, walk_s: float) -> Alignment:
        feet = pair(16)
        for foot in feet.values():
            foot.begin(5, 10.0)
            for k in range(query_n):
                foot.ask(10.0 + k / 10)
            foot.walk(5, 10.0, walk_s)
        return align({side: foot.log(side) for side, foot in feet.items()})

    assert told(1, 4000).text == "not on one clock: too few answered clock queries"
    assert told(30, 40_000).text == (
        "not on one clock: the clock queries were answered too slowly or unevenly, or too far from the samples"
    )
    poor = told(3, 400)
    assert poor.is_aligned
    assert poor.text.startswith(
        f"feet on one clock within {1e3 * poor.sigma_s:.0f} ms ({1e3 * poor.worst_s:.0f} ms at "
    )
    assert "at worst); not good enough to compare the feet step by step; its queries are up to" in poor.text


def test_one_foot_needs_no_other_clock() -> None:
    assert align({"left": with_host(1, 60.0)["left"].log("left")}).text == ""


def test_strides_and_samples_of_both_feet_are_on_the_clock_of_the_session(tmp_path) -> None:  # type: ignore[no-untyped-def]
    feet = with_host(14, 120.0)
    for side, foot in feet.items():
        foot.parts.append(encode(stride_frame(5, 0, 2000, heel_on=wire.NOT_SEEN)))
        save(tmp_path, b"".join(foot.parts), f"{side}.frames")
    session = open_session(tmp_path)
    assert session.alignment.is_aligned
    first, second = session.strides
    assert (first.side, second.side) == ("left", "right")
    assert first.initial_contact_s == pytest.approx(2000.5 / RATE_HZ, abs=0.001)
    assert second.initial_contact_s - first.initial_contact_s == pytest.approx(0.3, abs=0.002)
    assert second.stance_s == pytest.approx(0.65, abs=1e-4)
    assert np.isnan(first.heel_on_s)
    assert session.times_s("left")[0] == 0
    assert session.times_s("right")[0] == pytest.approx(0.3, abs=0.002)
    assert len(session.times_s("right")) == len(session.samples("right")[0])


@pytest.mark.parametrize("apart_s", [-9000, -600, -1, 0, 1, 500, 600, 1100, 40_000])
def test_wraps_are_counted_by_uptime(apart_s: int) -> None:
    reference = wire.ClockFrame(0, WRAP_US - 5, 50_000, 0)
    reading = wire.ClockFrame(0, (WRAP_US - 5 + apart_s * 1_000_000) % WRAP_US, 50_000 + apart_s, 0)
    assert boot_us(reading, reference) == WRAP_US - 5 + apart_s * 1_000_000


def test_exchanges_that_make_no_sense_do_no_harm() -> None:
    rng = random.Random(5)
    for _ in range(30):
        feet = pair(15)
        for foot in feet.values():
            foot.begin(5, 10.0)
            for _ in range(rng.randrange(1, 40)):
                values = [rng.getrandbits(rng.choice((10, bits))) for bits in (64, 64, 32, 32)]
                foot.parts.append(encode(wire.ExchangeFrame(*values, foot.boot)))
            foot.walk(5, 10.0, 20)
        logs = {side: foot.log(side) for side, foot in feet.items()}
        align(logs)
        assert len(list(logs["left"].strides())) == 0
