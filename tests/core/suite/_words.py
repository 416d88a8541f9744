# A detector's words by their names, for tests: `Words(detector).direction` is the word that the maps call DIRECTION.
# Words of a zone: `Words(detector, sense.ZONE_AT).peak`.
from insole.fixed import sense, stance, tune


class Words:
    def __init__(self, detector, at=0):
        object.__setattr__(self, "state", detector.state)
        object.__setattr__(self, "at", at)

    def __getattr__(self, name):
        return self.state[self.at + place(name)]

    def __setattr__(self, name, value):
        self.state[self.at + place(name)] = value


def place(name):
    for module in (stance, sense, tune):
        if hasattr(module, name.upper()):
            return getattr(module, name.upper())
    raise AttributeError(name)
