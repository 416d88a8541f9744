# The stand-in `esp32`: non-volatile storage kept in a small JSON file, as the settings name it. Unlike the real one it
# writes the file at commit only, so a crash between set and commit loses the value on both.
# And the partitions: that of the sessions, where the settings name one (store_kb (1792) kilobytes in the file `store`,
# or in memory at `store_addr`, on RV32), and those that a whole board says it has (setting `partitions`, label to
# address, kilobytes and subtype; for the class in `flash` stands what its chip is made of). At the `power_cut`-th byte
# that is programmed or erased, power fails.
import json
import os

import nor
from world import world

_STORE_KB = 1792  # as in the partition table for 4 MB of flash
_BLOCK_COUNT = 4  # what ioctl is asked
_BLOCK_BYTES = 5
_BLOCK_ERASE = 6
_SUBTYPE_UNDEFINED = 6


class NVS:
    def __init__(self, namespace):
        self._path = world.settings.get("state", "nvs.json")
        self._namespace = namespace
        self._values = self._load()

    def get_i32(self, key):
        return self._get(key)

    def set_i32(self, key, value):
        self._values[self._name(key)] = value

    def get_blob(self, key, buffer):
        stored = self._get(key)
        buffer[: len(stored)] = bytes(stored)
        return len(stored)

    def set_blob(self, key, value):
        self._values[self._name(key)] = list(value)

    def _load(self):
        try:
            with open(self._path) as file:
                return json.load(file)
        except (OSError, ValueError):  # none yet
            return {}

    # All or nothing, as the real one: power may fail in the middle.
    def commit(self):
        with open(self._path + ".new", "w") as file:
            json.dump(self._values, file)
        os.rename(self._path + ".new", self._path)

    def _get(self, key):
        if self._name(key) not in self._values:
            raise OSError(-0x1102, "ESP_ERR_NVS_NOT_FOUND")
        return self._values[self._name(key)]

    # Keys are at most 15 characters, as in the real store.
    def _name(self, key):
        if len(key) > 15:
            raise ValueError("NVS key too long")
        return self._namespace + "." + key


def _store():
    settings = world.settings
    n = int(settings.get("store_kb", _STORE_KB)) * 1024
    if settings.get("store_addr"):
        memory = nor.at_address(int(settings["store_addr"]), n)
    else:
        memory = nor.InFile(settings["store"], n)
    flash = nor.Nor(memory, world.call)
    flash.cut_at = int(settings.get("power_cut", 0))
    return flash


# By label, what the partition is: for a board address, kilobytes and subtype, else what names the store.
def _layout():
    settings = world.settings
    if "partitions" in settings:
        return settings["partitions"]
    if settings.get("store") or settings.get("store_addr"):
        return {"sessions": (settings.get("store"), settings.get("store_addr"), _SUBTYPE_UNDEFINED)}
    return {}


def _flash(place):
    if "partitions" not in world.settings:
        return _store()
    return world.settings["flash"](nor.at_address(place[0], place[1] * 1024))


# The flash of each is one, as long as the machine runs.
class Partition:
    TYPE_APP = 0
    TYPE_DATA = 1
    _of = {}  # label: what it was, its flash

    def __init__(self, id):
        place = _layout().get(id)
        if place is None:
            raise OSError(2)  # ENOENT
        if id not in Partition._of or Partition._of[id][0] != place:
            Partition._of[id] = (place, _flash(place))
        self._flash = Partition._of[id][1]
        self._label = id
        self._subtype = place[2]

    @staticmethod
    def find(type=TYPE_APP, subtype=0xFF, label=None):
        if type != Partition.TYPE_DATA:
            return []
        found = [Partition(name) for name in _layout() if label in (None, name)]
        return [part for part in found if subtype in (0xFF, part._subtype)]

    # Where it lies is not told: there is no other flash around it.
    def info(self):
        n = self._flash.sector_n * nor.SECTOR_BYTES
        return (Partition.TYPE_DATA, self._subtype, 0, n, self._label, False)

    def readblocks(self, block_num, buf, offset=0):
        self._flash.read(block_num * nor.SECTOR_BYTES + offset, buf)

    # Without an offset whole blocks, erased before.
    def writeblocks(self, block_num, buf, offset=-1):
        if offset < 0:
            for block in range(block_num, block_num + len(buf) // nor.SECTOR_BYTES):
                self._flash.erase(block)
        self._flash.program(block_num * nor.SECTOR_BYTES + max(offset, 0), buf)

    def ioctl(self, op, arg):
        if op == _BLOCK_COUNT:
            return self._flash.sector_n
        if op == _BLOCK_BYTES:
            return nor.SECTOR_BYTES
        if op == _BLOCK_ERASE:
            self._flash.erase(arg)
        return 0
