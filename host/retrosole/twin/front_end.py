"""From the load on a sensor to ADC counts: what a force-sensing resistor and divider make of it.

A deliberately small model. In its default the front end is ideal: counts rise linearly with the
load, on a small offset. The effects that disturb a detector are added one by one: spread of gain
and offset between parts, curvature of the divider, creep under lasting load, lag on unloading
(hysteresis), slow drift, noise, saturation. Orders of size follow the Interlink FSR 400 data:
part to part +-6 %, hysteresis +10 %, drift below 5 % per decade of time. Temperature, humidity
and crosstalk are left out. With `circuit` the straight line gives way to a front end of hardware/,
with the curve of its sensor and of the converter behind it.

Only adding, multiplying, dividing and comparing of doubles is used, and integer noise: so the
same seed gives the same counts on every machine. Everything is causal: a longer run begins with
the shorter one.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from retrosole.errors import UsageError
from retrosole.twin import circuit
from retrosole.twin.chance import generator, noise, normal

if TYPE_CHECKING:
    from numpy.typing import NDArray

MAX_COUNTS = circuit.MAX_COUNTS
MISSING_COUNTS = 4095

# Range by unit. Forces: the pads of a zone share its load, so they share its range, 1500 N. That
# puts a walker of 70 kg (zone peaks of about 700 N) at half the range and leaves room up to 130
# kg; of the 8 sensors a foot of the gaitpdb recordings each has 500 N (strong sensors peak at
# 300 N, one in a hundred above 480 N). Pressures: the range of each sensor that goes into a
# channel, 30 N/cm2; the sample recordings peak at 10 to 15 N/cm2 under most sensors, at 30 under
# the hallux.
ZONE_FULL_SCALE_N = 1500.0
SENSOR_FULL_SCALE = {"N/cm2": 30.0, "kPa": 300.0, "counts": float(MAX_COUNTS)}

_BLOCK_N = 500
_CREEP_STEP_N = 100
_DRIFT_STEP_N = 10_000


@dataclass(frozen=True)
class FrontEnd:
    """Describe the sensors of an insole; the default is ideal apart from a small offset.

    `gain_spread` is the standard deviation of the sensors' gains (0.06 = 6 %), `creep` the part
    by which a lasting load reads higher after several `creep_tau_s`, `unload_lag_ms` the time
    constant with which a sensor follows a load that goes away, `curvature` 0 for a straight
    characteristic, 1 for one that starts twice as steep and flattens (a divider), `drift_counts`
    the standard deviation of the walk of the offset over 10 s, `saturation` the part of the
    range at which the reading stays. `circuit` is one of twin.circuit.NAMES: its counts, and what it
    reads unloaded, take the place of the straight line and its offset; empty for none.
    """

    offset_counts: float = 30.0
    offset_spread_counts: float = 0.0
    gain_spread: float = 0.0
    curvature: float = 0.0
    creep: float = 0.0
    creep_tau_s: float = 20.0
    unload_lag_ms: float = 0.0
    drift_counts: float = 0.0
    noise_counts: float = 0.0
    saturation: float = 1.0
    circuit: str = ""

    def __post_init__(self) -> None:
        """Check the bounds; raises UsageError."""
        for name, least, most in _BOUNDS:
            value = getattr(self, name)
            if not least <= value <= most:
                raise UsageError(f"front end: {name} is {value:g}, expected {least:g} to {most:g}")
        if self.circuit and self.circuit not in circuit.NAMES:
            raise UsageError(f"front end: circuit is {self.circuit!r}, expected one of {', '.join(circuit.NAMES)}")


_BOUNDS = (
    ("offset_counts", 0, 1000),
    ("offset_spread_counts", 0, 200),
    ("gain_spread", 0, 0.5),
    ("curvature", 0, 10),
    ("creep", 0, 0.5),
    ("creep_tau_s", 1, 1000),
    ("unload_lag_ms", 0, 200),
    ("drift_counts", 0, 200),
    ("noise_counts", 0, 200),
    ("saturation", 0.1, 1),
)

IDEAL = FrontEnd()
# What a carefully built insole does: enough to disturb a detector, not to hide the foot.
REALISTIC = FrontEnd(
    offset_spread_counts=10.0,
    gain_spread=0.06,
    curvature=0.3,
    creep=0.03,
    unload_lag_ms=5.0,
    drift_counts=1.0,
    noise_counts=2.5,
)
# By the names that commands know. With a circuit, the sensors of REALISTIC and that circuit's curve for the bend.
FRONT_ENDS: dict[str, FrontEnd] = {
    "ideal": IDEAL,
    "realistic": REALISTIC,
    **{name: replace(REALISTIC, curvature=0.0, circuit=name) for name in circuit.NAMES},
}


def for_recordings(name: str) -> FrontEnd | None:
    """Give what a name of FRONT_ENDS reads recordings with: for `ideal` none, which leaves alone what is counts."""
    return None if name == "ideal" else FRONT_ENDS[name]


def of_board(board: str) -> FrontEnd:
    """Give what a board reads its sensors with; raises UsageError for one whose circuit nobody noted."""
    built = circuit.tables("front_ends")["boards"]
    if board not in built:
        raise UsageError(f"nobody noted how board {board!r} reads its sensors, only of {', '.join(built)}")
    return FRONT_ENDS[built[board]]


def to_counts(
    load: NDArray[np.float64], full_scale: float, front_end: FrontEnd, seed: tuple[int, ...]
) -> NDArray[np.uint16]:
    """Turn the load on one sensor, (n,) at 1000 Hz, into counts 0 to 4094, (n,).

    `full_scale` is in the unit of `load`; `seed` names the sensor: the same seed is the same part.
    """
    rng = generator(*seed)
    gain = max(0.1, 1.0 + front_end.gain_spread * normal(rng))
    offset = max(0.0, front_end.offset_counts + front_end.offset_spread_counts * normal(rng))
    x = load * (gain / full_scale)
    if front_end.unload_lag_ms:
        x = _lag_on_unloading(x, front_end.unload_lag_ms)
    if front_end.creep:
        x = x * (1.0 + front_end.creep * _memory(x, front_end.creep_tau_s))
    if front_end.curvature:
        # Negative only where a recording had an offset of its own: kept straight there.
        k = front_end.curvature
        x = np.where(x > 0, x * (1.0 + k) / (1.0 + k * np.maximum(x, 0.0)), x)
    counts = np.minimum(x, front_end.saturation)
    if front_end.circuit:
        counts = circuit.transfer(front_end.circuit, circuit.SENSOR, counts * circuit.PAD_FULL_SCALE_N)
    else:
        counts = counts * (MAX_COUNTS - offset) + offset
    if front_end.drift_counts:
        counts += front_end.drift_counts * _random_walk(len(x), generator(*seed, 1))
    if front_end.noise_counts:
        counts += front_end.noise_counts * noise(generator(*seed, 2), len(x))
    clipped: NDArray[np.uint16] = np.clip(np.rint(counts), 0, MAX_COUNTS).astype(np.uint16)
    return clipped


def _lag_on_unloading(x: NDArray[np.float64], tau_ms: float) -> NDArray[np.float64]:
    """Follow a rise at once and a fall with a time constant: y[n] = max(x[n], a * y[n-1])."""
    a = 1.0 - 1.0 / (1.0 + tau_ms)
    # max over k of x[k] * a^(n-k) is a running maximum after dividing by a^k, in blocks so that
    # a^-k stays within doubles.
    decay = np.multiply.accumulate(np.full(_BLOCK_N, a))
    y = np.maximum(x, 0.0)
    last = 0.0
    for start in range(0, len(y), _BLOCK_N):
        block = y[start : start + _BLOCK_N]
        d = decay[: len(block)]
        scaled = np.maximum.accumulate(np.maximum(block / d, last))
        block[:] = scaled * d
        last = float(block[-1])
    return np.where(x < 0, x, y)


def _memory(x: NDArray[np.float64], tau_s: float) -> NDArray[np.float64]:
    """Low-pass the load with a slow time constant, 0 to about 1; steps of 0.1 s are fine enough."""
    step = 1.0 / (1.0 + tau_s * 1000.0 / _CREEP_STEP_N)
    level, levels = 0.0, []
    for value in x[::_CREEP_STEP_N].tolist():
        levels.append(level)
        level += step * (value - level)
    return _ramp([*levels, level], _CREEP_STEP_N, len(x))


def _random_walk(n: int, rng: np.random.PCG64) -> NDArray[np.float64]:
    level, levels = 0.0, [0.0]
    for _ in range(n // _DRIFT_STEP_N + 1):
        # Pulled back a little, so that an hour does not carry the offset out of range.
        level = 0.98 * level + normal(rng)
        levels.append(level)
    return _ramp(levels, _DRIFT_STEP_N, n)


def _ramp(levels: list[float], step_n: int, n: int) -> NDArray[np.float64]:
    """Connect levels that stand `step_n` samples apart by straight lines, (n,)."""
    at = np.array(levels)
    part = np.arange(step_n) / step_n
    lines = at[:-1, None] + (at[1:] - at[:-1])[:, None] * part
    line: NDArray[np.float64] = lines.reshape(-1)[:n]
    return line
