# The launcher's decisions: which version runs, what `now` says when, what is a pack and what is a torn one. On
# MicroPython `now` is also written on real LittleFS, with power cut at every byte that is programmed.
import os
import sys
from struct import pack

import boot

boot.install({"speed": 0, "state": "nvs.json"})

import launch  # noqa: E402 - only now: it takes machine and sys as they are when imported
from insole.first import take  # noqa: E402
from insole.memory import Memory  # noqa: E402

CPYTHON = sys.implementation.name == "cpython"
if not CPYTHON:
    import vfs

CONTENT = {
    "insole/__init__.mpy": b"first",
    "insole/start.mpy": b"the second file",
    "insole/boards/c3.mpy": b"",
    "insole/boards/s3.mpy": b"x" * 300,
}


# A stored zip of these files.
def zipped(files, comment=b"", method=0):
    out = b""
    directory = b""
    for name in sorted(files):
        content = files[name]
        head = pack("<HHHHHIIIHH", 20, 0, method, 0, 33, 0, len(content), len(content), len(name), 0)
        directory += b"PK\1\2" + pack("<H", 20) + head + pack("<HHHII", 0, 0, 0, 0, len(out)) + name.encode()
        out += b"PK\3\4" + head + name.encode() + content
    end = pack("<HHHHIIH", 0, 0, len(files), len(files), len(directory), len(out), len(comment))
    return out + directory + b"PK\5\6" + end + comment


def write(name, content):
    with open(name, "wb") as file:
        file.write(content)


def read(name):
    try:
        with open(name, "rb") as file:
            return file.read()
    except OSError:
        return None


def remove(*names):
    for name in names:
        try:
            os.remove(name)
        except OSError:
            pass


# --- now


def test_without_now_the_loose_files_come_first():
    remove("now")
    assert launch.choose() == (["", "a", "b"], "")
    assert read("now") is None


def test_a_letter_comes_first_and_the_other_one_can_stand_in():
    for letter, order in (("a", ["a", "b"]), ("b", ["b", "a"])):
        write("now", letter.encode())
        assert launch.choose() == (order, "")
        assert read("now") == letter.encode()
    remove("now")


def test_a_trial_is_over_in_now_before_it_begins():
    for new, old in (("b", "a"), ("a", "b")):
        write("now", (new + " " + old).encode())
        assert launch.choose() == ([new, old], new)
        assert read("now") == old.encode()
        assert launch.choose() == ([old, new], ""), "whatever became of it, the next start is the old one's"
    remove("now")


def test_a_now_without_sense_means_any_version_and_no_trial():
    for text in (b"", b"c", b"a b a", b"ab", b"a c", b"b" * 40, b"A", b" \n", b"\xff\xfe"):
        write("now", text)
        assert launch.choose() == (["a", "b"], ""), text
        assert read("now") == text
    remove("now")


def test_no_trial_where_now_cannot_be_written():
    write("now", b"b a")
    os.mkdir("now.new")
    try:
        assert launch.choose() == (["a", "b"], ""), "a reset in the trial would be answered by a trial"
        assert read("now") == b"b a"
    finally:
        os.rmdir("now.new")
    remove("now")


# Of a program that ends; None of one that goes on.
def exit_code(deed, *words):
    try:
        deed(*words)
    except SystemExit as ended:
        return ended.args[0]
    return None


def test_a_trial_ends_in_a_reset_unless_it_is_kept():
    write("now", b"a")
    trial = launch.Trial("b")
    for uptime_s in (0, 1, 29):
        trial.look(uptime_s)
    for uptime_s in (30, 31):
        assert exit_code(trial.look, uptime_s) == 3
    assert read("now") == b"a" and not trial.kept
    trial = launch.Trial("b")
    trial.keep()
    assert read("now") == b"b" and trial.kept
    trial.look(30)
    remove("now")
    trial.keep()
    assert read("now") is None, "it is written once"


# --- packs


def opened(whole):
    write("t.zip", whole)
    return launch.Pack("t.zip")


def test_a_pack_is_a_file_system():
    found = opened(zipped(CONTENT, b"retrosole 0.1.0 0123456789abcdef rv32imc"))
    for name in CONTENT:
        assert found.stat("/" + name)[0] == 0x8000
        with found.open("/" + name, "rb") as file:
            assert file.read(len(CONTENT[name])) == CONTENT[name]
    for folder in ("/", "/insole", "insole/boards"):
        assert found.stat(folder) == (0x4000, 0, 0, 0, 0, 0, 0, 0, 0, 0)
    names = sorted([entry[0] for entry in found.ilistdir("/insole")])
    assert names == ["__init__.mpy", "boards", "start.mpy"]
    assert [entry for entry in found.ilistdir("/")] == [("insole", 0x4000, 0)]
    remove("t.zip")


def error_of(deed, *words):
    try:
        deed(*words)
    except OSError as error:
        return error.args[0]
    return None


def test_what_a_pack_does_not_hold():
    found = opened(zipped(CONTENT))
    for path in ("/insole/start.py", "/insole/start", "/main.mpy", "/insol", "start.mpy"):
        assert error_of(found.stat, path) == 2
        assert error_of(found.open, path, "rb") == 2
    assert error_of(found.open, "/insole", "rb") == 21
    assert error_of(list_of, found, "/nothing") == 2
    assert error_of(launch.Pack, "nowhere.zip") == 2
    remove("t.zip")


def list_of(found, path):
    return list(found.ilistdir(path))


def is_refused(whole):
    try:
        opened(whole)
    except ValueError:
        return True
    return False


def test_a_torn_pack_is_none():
    whole = zipped(CONTENT, b"retrosole")
    for n in range(len(whole)):
        assert is_refused(whole[:n]), n
    assert not is_refused(whole)
    assert is_refused(whole + b"\0") and is_refused(whole + whole[:40])
    remove("t.zip")


def test_no_pack_at_all():
    for text in (b"", b"PK", b"PK\5\6", b"\xff" * 500, b"\0" * 22, zipped(CONTENT, method=8)):
        assert is_refused(text), text[:8]
    assert not is_refused(zipped({})), "an empty one is whole, and import finds nothing in it"
    remove("t.zip")


# A stale end within the last bytes, as that of a pack inside a pack, is not the end.
def test_the_last_end_counts():
    inner = zipped({"a": b"1"})
    found = opened(zipped({"insole/z.mpy": inner}))
    assert found.stat("/insole/z.mpy")[0] == 0x8000
    remove("t.zip")


def test_ctrl_c_while_import_asks_waits_until_it_opens():
    found = opened(zipped(CONTENT))
    place = found._place
    asked = []

    def pressed(path):
        asked.append(path)
        if len(asked) == 1:
            raise KeyboardInterrupt
        return place(path)

    found._place = pressed
    assert found.stat("/insole")[0] == 0x4000, "it is there all the same"
    try:
        found.open("/insole/start.mpy", "rb")
    except KeyboardInterrupt:
        pass
    else:
        raise AssertionError("nobody heard it")
    found.open("/insole/start.mpy", "rb").close()
    remove("t.zip")


# --- settings.json


def test_settings_are_taken_once():
    write("settings.json", b'{"side": 1, "rate_hz": 100, "zones": -1, "baseline": [1, 65535, 300], "standing": [9]}')
    memory = Memory()
    take("settings.json", memory)
    assert read("settings.json") is None
    memory = Memory()
    assert [memory.get(key, 7) for key in ("side", "rate_hz", "zones", "board")] in ([1, 100, -1, 7], [1, 100, -1, 0])
    counts = [0, 0, 0]
    memory.load_counts("baseline", counts)
    assert counts == [1, 65535, 300]


def test_settings_that_cannot_be_read_are_set_aside():
    for text in (b"", b"side", b"[1]", b'{"side": "left"}', b'{"a_key_of_16_let": {}}', b"\xff"):
        write("settings.json", text)
        take("settings.json", Strict())
        assert (read("settings.json"), read("settings.json.bad")) == (None, text), text
    remove("settings.json.bad")


# The chip takes nothing but numbers; the stand-in would write anything down.
class Strict(Memory):
    def set(self, key, value):
        if not isinstance(value, int):
            raise TypeError("can't convert to int")
        Memory.set(self, key, value)


# --- power


# Flash in memory that loses its power at a byte: what had been programmed stays, and nothing is done any more.
class Flash:
    def __init__(self, memory):
        self.memory = memory
        self.left = -1

    @property
    def dead(self):
        return self.left == 0

    def readblocks(self, block, buf, offset=0):
        if self.dead:
            return -5
        at = block * 512 + offset
        buf[:] = self.memory[at : at + len(buf)]
        return 0

    def writeblocks(self, block, buf, offset=0):
        at = block * 512 + offset
        n = len(buf) if self.left < 0 else min(len(buf), self.left)
        self.memory[at : at + n] = buf[:n]
        if self.left > 0:
            self.left -= n
        return -5 if self.dead else 0

    def ioctl(self, op, arg):
        return {4: len(self.memory) // 512, 5: 512}.get(op, 0)


def mounted(memory):
    flash = Flash(memory)
    vfs.mount(vfs.VfsLfs2(flash, readsize=32, progsize=32, lookahead=32), "/cut")
    os.chdir("/cut")
    return flash


def unmounted():
    os.chdir("/")
    vfs.umount("/cut")


def fresh():
    memory = bytearray(512 * 12)
    vfs.VfsLfs2.mkfs(Flash(memory), readsize=32, progsize=32, lookahead=32)
    mounted(memory)
    launch.write_now("a")
    unmounted()
    return memory


# What an update and the start behind it write, each of the steps begun with its name; OSError when power fails.
def updated(flash, begun):
    begun.append("switch")
    launch.write_now("b a")
    begun.append("start")
    order, tried = launch.choose()
    if flash.dead:
        raise OSError(5)
    assert (order, tried) == (["b", "a"], "b")
    begun.append("keep")
    launch.Trial(tried).keep()
    begun.append("kept")


AFTER = {
    "switch": (b"a", b"b a"),
    "start": (b"b a", b"a"),
    "keep": (b"a", b"b"),
    "kept": (b"b",),
}


# The steps that were begun before power failed, and what `now` said after.
def cut_at(origin, n):
    memory = bytearray(origin)
    flash = mounted(memory)
    flash.left = n
    begun = []
    try:
        updated(flash, begun)
    except OSError:
        pass
    unmounted()
    mounted(memory)
    now = read("now")
    if begun[-1] == "keep":
        assert launch.choose()[1] == "", "nothing is tried twice"
    launch.write_now("a")  # and it can be written on
    assert read("now") == b"a"
    unmounted()
    return begun, now


def test_power_cut_at_every_byte_leaves_now_old_or_new():
    if CPYTHON:
        return
    here = os.getcwd()
    origin = fresh()
    seen = set()
    n = 1
    begun = []
    while begun[-1:] != ["kept"]:
        begun, now = cut_at(origin, n)
        assert now in AFTER[begun[-1]], (n, begun, now)
        seen.add((begun[-1], now))
        n += 1
    os.chdir(here)
    assert n > 300 and len(seen) == 7, (n, seen)


