"""A stand-in for the firmware in relay tests, run as a process: one-letter orders in, bytes out.

e TEXT newline: echo; s: stream samples-like frames at 500 Hz; b: 300 kB at once; r: reset; x: crash; q: end.
"""

import os
import select
import sys
import time

FRAME = b"\x00\x07\x01abcde\x00"


def main() -> None:
    state = dict(word.split("=", 1) for word in sys.argv[1:] if "=" in word).get("state")
    if state:
        with open(state, "a") as file:
            file.write("start\n")
    os.write(1, b"hello\n")
    streaming = False
    while True:
        ready, _, _ = select.select([0], [], [], 0.002 if streaming else 1.0)
        if ready:
            order = os.read(0, 1)
            if order in (b"", b"q"):
                return
            if order == b"e":
                line = b""
                while not line.endswith(b"\n"):
                    line += os.read(0, 1)
                os.write(1, line)
            elif order == b"s":
                streaming = True
            elif order == b"b":
                data = memoryview(bytes(range(256)) * 1200)
                while data:
                    data = data[os.write(1, data[:4096]) :]
                os.write(1, b"done")
            elif order == b"r":
                sys.exit(3)
            elif order == b"x":
                raise ValueError("the sensor is on fire")
            elif order == b"w":
                time.sleep(30)
        if streaming:
            os.write(1, FRAME)


main()
