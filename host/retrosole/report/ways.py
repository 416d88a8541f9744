"""Which steps a toe-first share is of: all; where some went another way, those that went the way that is summarised.

Who walks backward down the room and forward back again would otherwise be told half the share.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from retrosole.gait.analysis import Analysis
from retrosole.gait.statistics import Shares, shares

Mask = NDArray[np.bool_]


def went_several_ways(analysis: Analysis) -> bool:
    """Say whether some steps went another way than others; unknown is none."""
    return len(np.unique(_known(analysis))) > 1


def _known(analysis: Analysis) -> NDArray[np.str_]:
    words = analysis.table["direction"]
    return np.asarray(words[words != "unknown"])


def told_steps(analysis: Analysis) -> Mask:
    """Say of which steps a toe-first share is."""
    if went_several_ways(analysis):
        return np.asarray(analysis.table["direction"] == analysis.direction)
    return np.ones(len(analysis.table["side"]), np.bool_)


def told_shares(analysis: Analysis) -> dict[str, Shares]:
    """Count the words of those steps for each foot."""
    which = told_steps(analysis)
    return {side: shares(analysis.table, which & (analysis.table["side"] == side)) for side in analysis.sides}


def told_together(analysis: Analysis) -> Shares:
    """Count the words of those steps of all feet."""
    return shares(analysis.table, told_steps(analysis))


def that_went(analysis: Analysis) -> str:
    """Give " that went backward" where not all did, else nothing."""
    return f" that went {analysis.direction}" if went_several_ways(analysis) else ""
