"""Count what a sample costs the insole and print it: `make bench`, or this file alone.

Counted on the emulated RV32 machine: instructions, not time, and the same figures on every computer.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from cost import measure, reference, walks

from retrosole import show
from retrosole.errors import RetrosoleError

CORE_HZ = 160_000_000
CYCLES_EACH = 1.28  # per instruction: assumed, not measured; 125 million a second, waits for flash not counted
_RATES_HZ = (200, 500)
_MEAN_MOST, _WORST_MOST = 4_000, 40_000
_PLAIN_LEAST, _C_MOST = 8, 5


def costs() -> dict[str, measure.Cost]:
    """Measure all kernels on the same walk. Raises RetrosoleError when the machine or its compiler is not there."""
    walk = walks.backward()
    with tempfile.TemporaryDirectory() as folder:
        code = reference.image(Path(folder), measure.C_AT, measure.C_SPENT_AT)
    return {kernel: measure.measure(kernel, walk, code if kernel == "c" else b"") for kernel in measure.KERNELS}


def print_costs(found: dict[str, measure.Cost]) -> None:
    """Print the means, ratios, the worst sample, shares of a core, and what each kind of sample costs."""
    viper, plain, c = (found[kernel] for kernel in measure.KERNELS)
    seconds = len(viper.whole) / walks.RATE_HZ
    print(f"Instructions per sample on RV32, {walks.BOARD}, {seconds:.0f} s of backward walking at {walks.RATE_HZ} Hz,")
    print(f"{viper.stride_n} strides; from the filled ring slot to the return, frames and queue included, ADC not.\n")
    rows = [(name, *figures(cost)) for name, cost in (("viper", viper), ("plain bytecode", plain), ("C, -O2", c))]
    show.table(("kernel", "mean", "worst", "first", "kernel alone"), rows, right=(1, 2, 3, 4))
    print()
    print("\n".join(verdicts(viper, plain, c)))
    for rate_hz in _RATES_HZ:
        share = viper.mean * rate_hz * CYCLES_EACH / CORE_HZ
        print(f"share of a 160 MHz core at {rate_hz} Hz: {100 * share:.2f} %")
    print(f"  (counted instructions x {CYCLES_EACH} cycles each: assumed, flash waits left out; no time measured)\n")
    kinds = sorted(viper.by_kind().items(), key=lambda item: -float(item[1].sum()))
    lines = [
        (name, f"{len(some)}", f"{some.mean():,.0f}", f"{some.max():,}", f"{some.sum() / len(viper.whole):,.0f}")
        for name, some in kinds
    ]
    show.table(("what a sample led to", "samples", "mean", "most", "of the mean"), lines, right=(1, 2, 3, 4))


def verdicts(viper: measure.Cost, plain: measure.Cost, c: measure.Cost) -> list[str]:
    """Write every figure that has a must, a line each: the figure, its must, ok or MISSED."""
    dearest = f"sample {viper.worst_at}, {measure.kind_name(int(viper.kinds[viper.worst_at]))}"
    to_plain, to_c = plain.mean / viper.mean, viper.kernel_mean / c.kernel_mean
    allocated = viper.allocated_bytes
    return [
        f"mean {viper.mean:,.0f} (at most {_MEAN_MOST:,}): {_word(viper.mean <= _MEAN_MOST)}",
        f"worst {viper.worst:,} (at most {_WORST_MOST:,}): {_word(viper.worst <= _WORST_MOST)}; {dearest}",
        f"plain / viper {to_plain:.2f} (at least {_PLAIN_LEAST}): {_word(to_plain >= _PLAIN_LEAST)}",
        f"viper / C, the kernel alone, {to_c:.2f} (at most {_C_MOST}): {_word(to_c <= _C_MOST)}",
        f"allocated in all that time {allocated} bytes (0): {_word(allocated == 0)}",
    ]


def _word(is_kept: bool) -> str:
    return "ok" if is_kept else "MISSED"


def figures(cost: measure.Cost) -> tuple[str, str, str, str]:
    """Write mean, worst, first sample and kernel."""
    return f"{cost.mean:,.0f}", f"{cost.worst:,}", f"{cost.whole[0]:,}", f"{cost.kernel_mean:,.0f}"


def run() -> None:
    """Measure and print, or say aloud why not."""
    try:
        print_costs(costs())
    except RetrosoleError as error:
        print(f"INSTRUCTIONS NOT COUNTED: {error}")


if __name__ == "__main__":
    run()
