"""The real MicroPython runtimes: the 32-bit unix build's number model, and the emulated machine."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import threading
import time
import tty
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from retrosole.errors import UsageError
from retrosole.twin import runtimes, rv32

ALL_BYTES = bytes(range(256))


def need(kind: str) -> runtimes.Runtime:
    """Return the runtime, or skip aloud; in CI fail."""
    try:
        return runtimes.find(kind)
    except UsageError as error:
        if os.environ.get("CI") == "true":
            pytest.fail(f"the runtime {kind} must be there in CI: {error}")
        pytest.skip(f"NO {kind.upper()} RUNTIME, NOT TESTED: {error}")


def read_until(machine: rv32.Machine, wanted: bytes, limit_s: float = 10.0) -> bytes:
    """Return what the console said up to and with `wanted`."""
    assert machine.stdout is not None
    return read_descriptor(machine.stdout.fileno(), wanted, limit_s)


def read_descriptor(descriptor: int, wanted: bytes, limit_s: float = 10.0) -> bytes:
    got, deadline_s = b"", time.monotonic() + limit_s
    while wanted not in got:
        left_s = deadline_s - time.monotonic()
        assert left_s > 0, f"{wanted!r} did not come within {limit_s} s; got {got[-300:]!r}"
        if select.select([descriptor], [], [], left_s)[0]:
            data = os.read(descriptor, 4096)
            assert data, f"the console closed; got {got[-300:]!r}"
            got += data
    return got


NUMBERS = """
import gc

def allocated(f):
    f()
    gc.collect()
    gc.disable()
    before = gc.mem_alloc()
    f()
    after = gc.mem_alloc()
    gc.enable()
    return after - before

def largest():
    x = 0x3FFFFFFE
    for i in range(1):
        x += 1

def beyond():
    x = 0x3FFFFFFF
    for i in range(10):
        y = x + 1

try:
    room = bytearray(200 * 1024)
    heap = "large"
except MemoryError:
    heap = "small"
print(allocated(largest), allocated(beyond), 16777216.0 + 1.0 == 16777216.0, heap)
"""


def test_unix32_counts_and_allocates_as_an_esp32(tmp_path: Path) -> None:
    found = need("unix32")
    script = tmp_path / "numbers.py"
    script.write_text(NUMBERS)
    done = subprocess.run([*found.argv, str(script)], capture_output=True, text=True, timeout=30, check=True)
    # Small ints end at 2^30 - 1; each of ten larger ones takes 16 bytes and its digits 16.
    assert done.stdout.split() == ["0", "320", "True", "small"]


def test_the_machine_has_the_same_number_model() -> None:
    need("rv32")
    assert rv32.run(NUMBERS).output.split() == [b"0", b"320", b"True", b"small"]


def test_the_machine_offers_what_the_firmware_needs() -> None:
    need("rv32")
    outcome = rv32.run(
        """
import binascii, json, select, sys, time, uctypes, vfs
from array import array
@micropython.viper
def v(x: int) -> int:
    return x + 1
@micropython.native
def n(x):
    return x + 1
import folder.inside
memory = uctypes.bytearray_at(0x82000000, 5 << 20)
print(v(1), n(2), folder.inside.X, memory[0], memory[-1], hasattr(sys.stdin, "buffer"))
""",
        {"folder/inside.py": b"X = 9"},
        [(rv32.BLOBS_START, b"\x07" + bytes((5 << 20) - 2) + b"\x09")],
    )
    assert outcome == rv32.Outcome(0, b"2 3 9 7 9 True\r\n")


def test_an_exception_ends_a_run_with_its_traceback() -> None:
    need("rv32")
    outcome = rv32.run("1/0")
    assert outcome.exit_code == 1
    assert b"ZeroDivisionError: divide by zero" in outcome.output


INSTRUCTIONS = """
import gc
@micropython.asm_rv32
def count():
    csrrs(a0, zero, 0xC02)
    slli(a0, a0, 2)
    srli(a0, a0, 2)
@micropython.viper
def work(n: int) -> int:
    s = 0
    for i in range(n):
        s += i
    return s
def measured(n):
    gc.collect()
    work(n)
    start = count()
    work(n)
    return count() - start
print(measured(100), measured(1100))
"""


def test_instruction_counts_are_the_same_in_every_run() -> None:
    need("rv32")
    first, second = (rv32.run(INSTRUCTIONS, icount="shift=0").output for _ in range(2))
    assert first == second
    short, long = (int(word) for word in first.split())
    assert (long - short) % 1000 == 0, "a loop of a thousand more passes, each the same"


ECHO = b"""
import micropython, sys
micropython.kbd_intr(-1)
sys.stdout.buffer.write(b"ready")
one = bytearray(1)
sent = bytearray(range(256))
for i in range(512):
    sys.stdin.buffer.readinto(one)
    sys.stdout.buffer.write(one)
sys.stdout.buffer.write(sent)
sys.stdout.buffer.write(b"done")
"""


def test_every_byte_value_passes_both_ways() -> None:
    need("rv32")
    with rv32.start({"echo.py": ECHO}, statement="import echo") as machine:
        assert read_until(machine, b"ready") == b"ready", "nothing may stand before the program"
        assert machine.stdin is not None
        machine.stdin.write(ALL_BYTES + ALL_BYTES[::-1])
        got = read_until(machine, b">>> ")  # the program has ended: the friendly prompt
        expected = ALL_BYTES + ALL_BYTES[::-1] + ALL_BYTES
        assert got[: got.index(b"done")] == expected
        machine.stdin.write(b"print(6 * 7)\r")
        assert b"42" in read_until(machine, b"\n>>> ")


def test_ctrl_c_breaks_a_loop_that_never_sleeps_and_ctrl_d_starts_it_again() -> None:
    need("rv32")
    with rv32.start({}, statement="print('going')\nwhile True: pass") as machine:
        assert machine.stdin is not None
        read_until(machine, b"going")
        machine.stdin.write(b"\x03")
        assert b"KeyboardInterrupt" in read_until(machine, b">>> ")
        machine.stdin.write(b"\x04")
        assert b"soft reboot" in read_until(machine, b"going")


PERIODIC = b"""
import sys, time
def run(passes):
    last = time.ticks_us()
    largest_us = 0
    for i in range(passes):
        time.sleep_ms(1)
        now = time.ticks_us()
        largest_us = max(largest_us, time.ticks_diff(now, last))
        last = now
    print("largest", largest_us, "us")
"""


def test_the_clock_hides_the_hosts_stalls() -> None:
    """A machine stopped for 150 ms sees no gap that would overflow a queue of eight 5 ms timers."""
    need("rv32")
    with rv32.start({"periodic.py": PERIODIC}, statement="import periodic\nperiodic.run(600)") as m:
        for _ in range(4):
            time.sleep(0.1)
            os.kill(m.pid, signal.SIGSTOP)
            time.sleep(0.15)
            os.kill(m.pid, signal.SIGCONT)
        largest_us = int(read_until(m, b" us").split()[1])
    assert 1_000 <= largest_us < 11_000


def test_the_clock_keeps_real_time() -> None:
    need("rv32")
    text = "import time\nprint('a')\ntime.sleep_ms(1000)\nprint('b')"
    with rv32.start({}, statement=text) as machine:
        read_until(machine, b"a\r\n")
        start_s = time.monotonic()
        read_until(machine, b"b\r\n")
        assert 0.9 < time.monotonic() - start_s < 2.0


@contextmanager
def serial_port(machine: rv32.Machine) -> Iterator[str]:
    """Offer the machine's console as a serial port; give its path."""
    assert machine.stdin is not None
    assert machine.stdout is not None
    master, slave = os.openpty()
    tty.setraw(slave)
    ways = [(machine.stdout.fileno(), master), (master, machine.stdin.fileno())]
    ended = threading.Event()

    def relay() -> None:
        while not ended.is_set():
            for ready in select.select([way[0] for way in ways], [], [], 0.1)[0]:
                os.write(dict(ways)[ready], os.read(ready, 4096))

    thread = threading.Thread(target=relay)
    thread.start()
    try:
        yield os.ttyname(slave)
    finally:
        ended.set()
        thread.join()
        os.close(master)
        os.close(slave)


def mpremote(port: str, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "mpremote", "connect", port, *arguments],
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


SLEEPER = b"""
import time
print("started")
while True:
    time.sleep_ms(5)
"""


def test_mpremote_breaks_in_and_the_program_starts_again() -> None:
    need("rv32")
    pytest.importorskip("mpremote")
    with rv32.start({"sleeper.py": SLEEPER}, statement="import sleeper") as machine:
        read_until(machine, b"started")
        with serial_port(machine) as port:
            said = mpremote(port, "exec", "import os; print(6 * 7, os.listdir('/'))")
            assert said.split(None, 1)[0] == "42"
            assert "sleeper.py" in said, "the files are back after mpremote's soft reset"
            mpremote(port, "exec", "--no-follow", "import _start")
            assert "7\n" in mpremote(port, "exec", "print(7)").replace("\r", "")
            descriptor = os.open(port, os.O_RDWR | os.O_NOCTTY)
            try:
                os.write(descriptor, b"\x04")  # at the friendly prompt, as on a board
                read_descriptor(descriptor, b"started")
            finally:
                os.close(descriptor)


def test_the_machine_ends_with_the_program_that_started_it() -> None:
    need("rv32")
    text = (
        "import sys, time\nfrom retrosole.twin import rv32\n"
        "m = rv32.start({}, statement='while True: pass')\nprint(m.pid, flush=True)\ntime.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", text], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        parent.kill()
    deadline_s = time.monotonic() + 5
    while _runs(pid) and time.monotonic() < deadline_s:
        time.sleep(0.05)
    assert not _runs(pid)


def _runs(pid: int) -> bool:
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False
    return text.rsplit(")", 1)[1].split()[0] != "Z"


@pytest.mark.parametrize(
    "blobs",
    [
        [(rv32.FILES_ADDRESS, b"x")],
        [(rv32.BLOBS_END - 1, b"xy")],
        [(rv32.BLOBS_START, b"xyz"), (rv32.BLOBS_START + 2, b"x")],
    ],
)
def test_blobs_outside_the_free_memory_are_refused(blobs: list[tuple[int, bytes]]) -> None:
    with pytest.raises(UsageError, match="does not fit: free is 0x"):
        rv32.check_blobs(blobs)


def test_files_that_do_not_fit_are_refused_with_the_sizes() -> None:
    with pytest.raises(UsageError, match=r"1 files of 1100000 bytes do not fit .* 1048576 bytes"):
        rv32.file_image({"large.bin": bytes(1_100_000)})


def test_the_image_holds_the_files() -> None:
    from littlefs import LittleFS

    image = LittleFS(block_size=4096, block_count=256, mount=False)
    image.context.buffer = bytearray(rv32.file_image({"a.py": b"1", "/b/c/d.py": ALL_BYTES}))
    image.mount()
    with image.open("b/c/d.py", "rb") as file:
        assert file.read() == ALL_BYTES
