# The stand-in `esp32`: non-volatile storage kept in a small JSON file, as the settings name it. Unlike the real one it
# writes the file at commit only, so a crash between set and commit loses the value on both.
import json

from world import world


class NVS:
    def __init__(self, namespace):
        self._path = world.settings.get("state", "nvs.json")
        self._namespace = namespace
        self._values = {}
        try:
            with open(self._path) as file:
                self._values = json.load(file)
        except (OSError, ValueError):  # none yet
            pass

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

    def commit(self):
        with open(self._path, "w") as file:
            json.dump(self._values, file)

    def _get(self, key):
        if self._name(key) not in self._values:
            raise OSError(-0x1102, "ESP_ERR_NVS_NOT_FOUND")
        return self._values[self._name(key)]

    # Keys are at most 15 characters, as in the real store.
    def _name(self, key):
        if len(key) > 15:
            raise ValueError("NVS key too long")
        return self._namespace + "." + key
