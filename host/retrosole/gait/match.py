"""Match times one to one: which detected stance is which stance of a reference."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence


def match(reference_s: Sequence[float], detected_s: Sequence[float], tolerance_ms: float) -> list[tuple[int, int]]:
    """Pair times one to one, no pair further apart than `tolerance_ms`; nan belongs to nobody.

    Returns (reference, detected) indices in order of time: as many pairs as there can be, and of those ways the one
    with the least sum of distances.
    """
    refs = _by_time(reference_s)
    dets = _by_time(detected_s)
    tolerance_s = tolerance_ms / 1000.0
    pairs: list[tuple[int, int]] = []
    for some_refs, some_dets in _clusters(reference_s, detected_s, refs, dets, tolerance_s):
        distances = [[abs(reference_s[i] - detected_s[j]) for j in some_dets] for i in some_refs]
        pairs += [(some_refs[i], some_dets[j]) for i, j in _best_pairs(distances, tolerance_s)]
    return pairs


def _by_time(times_s: Sequence[float]) -> list[int]:
    return sorted((k for k, t in enumerate(times_s) if not math.isnan(t)), key=lambda k: times_s[k])


def _clusters(
    reference_s: Sequence[float], detected_s: Sequence[float], refs: list[int], dets: list[int], tolerance_s: float
) -> Iterable[tuple[list[int], list[int]]]:
    """Cut both rows of times wherever nothing comes for longer than the tolerance: pairs are within a cluster only."""
    events = sorted([(reference_s[i], 0, i) for i in refs] + [(detected_s[j], 1, j) for j in dets])
    cluster: tuple[list[int], list[int]] = ([], [])
    last_s = -math.inf
    for at_s, kind, k in events:
        if at_s - last_s > tolerance_s:
            yield cluster
            cluster = ([], [])
        cluster[kind].append(k)
        last_s = at_s
    yield cluster


def _best_pairs(distances: list[list[float]], tolerance_s: float) -> list[tuple[int, int]]:
    """Pair rows and columns, both in order of time; crossing pairs are never better, so prefixes are enough."""
    row_n, column_n = len(distances), len(distances[0]) if distances else 0
    # (-pairs, sum of distances, the pairs) for the first i rows and j columns
    best: list[list[tuple[int, float, tuple[tuple[int, int], ...]]]]
    best = [[(0, 0.0, ())] * (column_n + 1) for _ in range(row_n + 1)]
    for i in range(row_n):
        for j in range(column_n):
            ways = [best[i][j + 1], best[i + 1][j]]
            if distances[i][j] <= tolerance_s:
                pair_n, total, pairs = best[i][j]
                ways.append((pair_n - 1, total + distances[i][j], (*pairs, (i, j))))
            best[i + 1][j + 1] = min(ways)
    return list(best[row_n][column_n][2])
