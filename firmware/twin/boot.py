# Starts the unchanged firmware on a computer: `micropython boot.py key=value ...`, or boot.run({...}) on a machine
# without arguments. Puts the stand-ins where the firmware imports them and runs main. Settings:
#   samples=FILE        the walk: raw little-endian 16-bit counts, record by record, 1000 a second
#   samples_addr, samples_bytes   the same in memory (RV32); then time is the machine's own
#   channels=6 side=left|right board=0 device_id=HEX state=FILE speed=1.0 trace=FILE button=held
#   clock_ppm=N              by how much the clock is fast, in real time
#   clock_us=N               what the clock shows at the start, so that a test need not wait for it to wrap
#   zones=BITS               the zones of the channels, 2 bits each, where they are not the board's own
# Exit code 3: the firmware asked for a reset; start again with the same state. After Ctrl-C or `leave` a prompt stands
# on the line, as on a board; Ctrl-D there resets. (Only the RV32 machine has the real REPL behind it.)
import sys

_HERE = __file__.rpartition("/")[0] or "."
_CPYTHON = sys.implementation.name == "cpython"
if _CPYTHON:
    sys.path.insert(0, _HERE + "/cpython")
for _folder in (_HERE, _HERE + "/.."):
    if _folder not in sys.path:
        sys.path.insert(0, _folder)

from console import put_in_place  # noqa: E402
from world import world  # noqa: E402

_CTRL_D = 4


def install(settings):
    world.setup(settings)
    console = put_in_place()
    if _CPYTHON:
        import gc

        gc.mem_free = lambda: 0  # unknown
        gc.threshold = lambda amount: None
        sys.stdout.reconfigure(write_through=True)
    from esp32 import NVS

    memory = NVS("insole")
    memory.set_i32("board", int(settings.get("board", 0)))
    memory.set_i32("side", 1 if settings.get("side") == "right" else 0)
    if "zones" in settings:
        memory.set_i32("zones", int(settings["zones"]))
    memory.commit()
    return console


def run(settings):
    console = install(settings)
    try:
        import main  # noqa: F401
    except KeyboardInterrupt:
        pass
    return console


# What stands on the line after the firmware ended: a prompt, and Ctrl-D to begin again.
def prompt(console):
    byte = bytearray(1)
    while True:
        console.write(b"\r\n>>> ")
        while True:
            try:
                console.readinto(byte)
            except KeyboardInterrupt:
                break
            if byte[0] == _CTRL_D:
                raise SystemExit(3)
            if byte[0] == 13:
                break


if __name__ == "__main__":
    prompt(run(dict(word.split("=", 1) for word in sys.argv[1:])))
