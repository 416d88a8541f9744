# What went wrong since boot: the first fault is latched and repeated in every status, the rest are counted. Numbers
# are grouped by class: 1xx sensors, 2xx sampling, 3xx line, 4xx supply, 5xx program.
from . import wire


class Faults:
    def __init__(self):
        self.first = wire.FAULT_NONE
        self.n = 0

    def report(self, fault):
        if self.first == wire.FAULT_NONE:
            self.first = fault
        self.n = min(self.n + 1, 0xFFFF)
