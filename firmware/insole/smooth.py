# Smooths one load without shifting it: two running means in a row, a triangle of 2n - 1 samples. Core; called by zone
# once per sample, allocates nothing.
#
# The delay is the same for every frequency, n - 1 samples, so whoever times an event takes it off again. Twenty
# milliseconds each is what the reference events of the recordings were smoothed with (20 Hz), and takes noise down to
# four tenths.
from array import array

from micropython import const

_EACH_MS = const(20)


class Smooth:
    def __init__(self, rate_hz):
        n = max(1, rate_hz * _EACH_MS // 1000)
        self._n = n
        self.delay_q8 = (n - 1) << 8
        self._inputs = array("i", [0] * n)
        self._sums = array("i", [0] * n)
        self._at = 0
        self._sum = 0
        self._sum_of_sums = 0
        # |load| <= 8 * 4095 and n <= 10: the sum of sums stays below 2^22
        self._weight = n * n
        self.noise_permille = _noise_permille(n)

    def fill(self, load):
        for k in range(self._n):
            self._inputs[k] = load
            self._sums[k] = load * self._n
        self._sum = load * self._n
        self._sum_of_sums = load * self._weight

    def step(self, load):
        at = self._at
        self._sum += load - self._inputs[at]
        self._inputs[at] = load
        self._sum_of_sums += self._sum - self._sums[at]
        self._sums[at] = self._sum
        at += 1
        self._at = 0 if at == self._n else at
        return self._sum_of_sums // self._weight


# What is left of white noise: the root of the sum of squared weights, (2 n^2 + 1) / (3 n^3), in permille.
def _noise_permille(n):
    square = (2 * n * n + 1) * 1000000 // (3 * n * n * n)
    root = 1
    while root * root < square:
        root += 1
    return root
