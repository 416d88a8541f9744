# What survives a reset, in the chip's non-volatile storage: settings, counters, calibration. Read at start, written
# only on change: each write wears flash and may stop everything for tens of milliseconds, so never while sampling.
from esp32 import NVS


class Memory:
    def __init__(self):
        self._nvs = NVS("insole")

    def get(self, key, default):
        try:
            return self._nvs.get_i32(key)
        except OSError:  # not there yet
            return default

    def set(self, key, value):
        self._nvs.set_i32(key, value)
        self._nvs.commit()

    # Crashes of long ago, or of another version.
    def forgive(self):
        if self.get("crashes", 0):
            self.set("crashes", 0)

    # Add one and return the new count.
    def count(self, key):
        n = self.get(key, 0) + 1
        self.set(key, n)
        return n

    def load_counts(self, key, counts):
        stored = bytearray(2 * len(counts))
        try:
            n = self._nvs.get_blob(key, stored)
        except OSError:  # not there yet
            return
        if n == len(stored):
            for k in range(len(counts)):
                counts[k] = stored[2 * k] | stored[2 * k + 1] << 8

    def save_counts(self, key, counts):
        self._nvs.set_blob(key, bytes(counts))
        self._nvs.commit()
