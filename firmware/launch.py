# Chooses which firmware runs, and starts it. Called by main.py at every start; alone in the root of the file system, so
# an update never replaces it: all else of a version is in one file, its *pack*. Writes nothing but `now`.
#
# A pack is an ordinary zip without compression (a.zip, b.zip), mounted as a file system of its own: it is whole or it
# is not there: a torn one has no directory at its end, and two versions never mix. `now` says which one to run:
#   a      run a.zip; b.zip, if there is one, when that cannot be started
#   b a    b.zip is on trial: this file says `a` again before any of b runs, so whatever happens returns to a, unless a
#          host says `keep` within 30 s of its start. A crash, a hang and those 30 s end a trial by a reset.
# Without `now` the loose files of the folder insole/ run: a checkout's, or what somebody copied.
import gc
import os
import sys
from struct import unpack_from

from machine import WDT, reset
from micropython import const

_NOW = "now"
_LETTERS = "ab"
_MOUNTED = "/pack"
_TRIAL_S = const(30)
_TRIAL_MS = const(30000)
_LONGEST_MS = const(1073741823)

# Of a zip: its directory, an entry for each file in it, and the record at its end, behind which is a comment.
_END_BYTES = const(22)
_END_COMMENT = const(20)
_ENTRY_BYTES = const(46)
_TAIL_BYTES = const(128)  # the record and a comment of at most 106
_FILE_NAMES = const(26)  # in the head of a file's content: the lengths of its name and of what else is before it
_FILE_HEAD = const(30)
_FOLDER = const(-1)
_IS_FOLDER = const(0x4000)
_IS_FILE = const(0x8000)


class Pack:
    # The file system of one pack, as MicroPython's import asks for it. Raises OSError without the file, ValueError for
    # one that is no whole pack.
    def __init__(self, path):
        self._interrupted = False
        self._path = path
        self._places = {"": _FOLDER}
        with open(path, "rb") as file:
            self._read_directory(file)

    def mount(self, readonly, mkfs):
        pass

    def umount(self):
        pass

    # Import takes any exception here for "not there": a Ctrl-C waits for the open that follows.
    def stat(self, path):
        try:
            return self._stat(path)
        except KeyboardInterrupt:
            self._interrupted = True
            return self._stat(path)

    # The pack itself, at the content's first byte: who imports knows where a module ends, and reads as it would a file.
    def open(self, path, mode):
        if self._interrupted:
            self._interrupted = False
            raise KeyboardInterrupt
        place = self._place(path)
        if place == _FOLDER:
            raise OSError(21)  # EISDIR
        file = open(self._path, "rb")
        file.seek(place + _FILE_NAMES)
        lengths = file.read(4)
        file.seek(place + _FILE_HEAD + lengths[0] + lengths[2] + (lengths[1] + lengths[3] << 8))
        return file

    def ilistdir(self, path):
        folder = path.strip("/")
        self._place(folder)
        for name, place in self._places.items():
            above, _, last = name.rpartition("/")
            if last and above == folder:
                yield (last, _IS_FOLDER if place == _FOLDER else _IS_FILE, 0)

    def _stat(self, path):
        kind = _IS_FOLDER if self._place(path) == _FOLDER else _IS_FILE
        return (kind, 0, 0, 0, 0, 0, 0, 0, 0, 0)

    def _place(self, path):
        place = self._places.get(path.strip("/"))
        if place is None:
            raise OSError(2)  # ENOENT
        return place

    def _read_directory(self, file):
        size = file.seek(0, 2)
        tail_at = file.seek(max(size - _TAIL_BYTES, 0))
        tail = file.read(_TAIL_BYTES)
        end = tail.rfind(b"PK\5\6")
        if end < 0 or len(tail) < end + _END_BYTES or len(tail) != end + _END_BYTES + tail[end + _END_COMMENT]:
            raise ValueError("torn, or no pack")
        entry_n, directory_bytes, directory_at = unpack_from("<HII", tail, end + 10)
        if directory_at + directory_bytes != tail_at + end:
            raise ValueError("torn, or no pack")
        file.seek(directory_at)
        entry = bytearray(_ENTRY_BYTES)
        for _ in range(entry_n):
            self._read_entry(file, entry)

    def _read_entry(self, file, entry):
        if file.readinto(entry) != _ENTRY_BYTES or entry[:4] != b"PK\1\2" or entry[10]:
            raise ValueError("damaged, or compressed")
        name_n, extra_n, comment_n = unpack_from("<HHH", entry, 28)
        name = file.read(name_n).decode()
        file.seek(extra_n + comment_n, 1)
        self._places[name] = unpack_from("<I", entry, 42)[0]
        folder = name.rpartition("/")[0]
        while folder:
            self._places[folder] = _FOLDER
            folder = folder.rpartition("/")[0]


# A version on trial, for which the application answers: it asks each second, and says when a host keeps it.
class Trial:
    def __init__(self, letter):
        self.kept = False
        self._letter = letter

    def keep(self):
        if not self.kept:
            write_now(self._letter)
            self.kept = True

    def look(self, uptime_s):
        if not self.kept and uptime_s >= _TRIAL_S:
            say("retrosole: nobody kept this version; back to the one before")
            reset()


# Letters of `now`, one or two; none when it makes no sense, None without it.
def read_now():
    try:
        with open(_NOW) as file:
            words = file.read(16).split()
    except OSError:
        return None
    except ValueError:  # no text at all
        return []
    if len(words) > 2 or any([len(word) != 1 or word not in _LETTERS for word in words]):
        return []
    return words


# All or nothing: power may fail in the middle.
def write_now(letter):
    with open(_NOW + ".new", "w") as file:
        file.write(letter)
    os.rename(_NOW + ".new", _NOW)


# What to start, in this order, "" being the loose files; and the letter on trial, which `now` no longer says then.
def choose():
    words = read_now()
    if words is None:
        return ["", "a", "b"], ""
    if len(words) < 2:
        first = words[0] if words else "a"
        return [first, other(first)], ""
    tried, old = words
    try:
        write_now(old)
    except OSError as error:  # the file system is full, or worn
        say("retrosole: no trial of %s.zip, `now` cannot be written (%r)" % (tried, error))
        tried = ""
    return [tried, old] if tried else [old, other(old)], tried


def other(letter):
    return "b" if letter == "a" else "a"


def main():
    order, tried = choose()
    for letter in order:
        if letter and letter == tried:
            try_out(letter)
            break
        start = load(letter)
        if start:
            start.main(None)
            break
    else:
        say("retrosole: there is no firmware that starts; write it again with `retrosole flash`")


# On trial anything that goes wrong is a reset; only Ctrl-C is not, and safe mode.
def try_out(letter):
    WDT(timeout=_TRIAL_MS)  # while it is not yet the application that feeds one
    try:
        start = load(letter)
        if not start:
            reset()
        start.main(Trial(letter))
    except Exception as error:
        sys.print_exception(error)
        reset()
    finally:
        WDT(timeout=_LONGEST_MS)  # it cannot be stopped


# The module that starts the application; None when it cannot be had, which is said.
def load(letter):
    try:
        if letter:
            mount(Pack(letter + ".zip"))
        return __import__("insole.start").start
    except Exception as error:
        unload()
        what = letter + ".zip" if letter else "insole/"
        say("retrosole: %s cannot be started (%r)" % (what, error))
        return None


def mount(pack):
    import vfs

    vfs.mount(pack, _MOUNTED)
    sys.path.insert(0, _MOUNTED)


# As if it had never been tried.
def unload():
    if _MOUNTED in sys.path:
        import vfs

        sys.path.remove(_MOUNTED)
        vfs.umount(_MOUNTED)
    for name in list(sys.modules):
        if name.split(".")[0] == "insole":
            del sys.modules[name]
    gc.collect()


# Text between zeros, so that it costs no frame.
def say(text):
    print("\0" + text + "\n", end="\0")
