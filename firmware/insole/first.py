# What the insole was flashed with: a JSON file of settings beside the firmware, taken to memory at the first start and
# then removed. Called by start, before anything reads the memory. Keys are the memory's own; numbers become
# numbers, lists of counts become counts. Power may fail at any time: then all of it is taken again.
import json
import os
from array import array


def take(path, memory):
    try:
        with open(path) as file:
            settings = json.load(file)
        for key, value in sorted(settings.items()):
            _keep(memory, key, value)
    except (ValueError, TypeError, AttributeError, OSError) as error:
        print("\0retrosole: %s cannot be read, and is left out (%r)\n" % (path, error), end="\0")
        os.rename(path, path + ".bad")
        return
    os.remove(path)


def _keep(memory, key, value):
    if isinstance(value, list):
        memory.save_counts(key, array("H", value))
    else:
        memory.set(key, value)
