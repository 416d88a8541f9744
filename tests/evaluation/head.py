"""What the results begin with: whose recordings they are of, and what their words mean."""

from __future__ import annotations

from tests.evaluation.run import Results
from tests.evaluation.subjects import GAITPDB, MOTICON

FAILS = "✗"
GAITPDB_NOTICE = (
    "Contains information from *Gait in Parkinson's Disease* v1.0.0 (PhysioNet), which is made available under the "
    "ODC Attribution License."
)
MOTICON_NOTICE = "Moticon OpenGo sample recordings: copyright Moticon ReGo AG, Apache License 2.0."
SURROGATES = (
    "`reversed` and `exchanged` are **surrogates** for walking backward, made from recordings of people walking "
    "forward: played backward in time, and with the signals of heel and forefoot exchanged. Nobody has yet walked "
    "backward on this detector with a force plate."
)
NO_RECORDINGS = (
    "**No recording of a person was there**: everything below is of the gait model alone. None of the lines for "
    "recordings was checked. `RETROSOLE_RECORDINGS` names the folder of recordings."
)


def opening(results: Results) -> str:
    """Write what was scored against what; without recordings that there were none."""
    parts = ["# How right the detector is", "Made by `make evaluate`; not edited by hand."]
    if not results.of_recordings:
        return "\n\n".join([*parts, NO_RECORDINGS])
    reference = (
        "The reference events are derived from the same sensors by a slower, non-causal reader (zero-phase filter, "
        "5 % of the robust peak): no second instrument. Only its stances flagged ok are scored."
    )
    return "\n\n".join([*parts, SURROGATES, _sources(results), reference])


def _sources(results: Results) -> str:
    """Say whose recordings were there."""
    names = {name for name, _, _ in results.of_recordings}
    trials = sorted(names & set(GAITPDB))
    patient_n = sum(name[2:4] == "Pt" for name in trials)
    parts = []
    if trials:
        of = "1 trial of 1 person" if len(trials) == 1 else f"{len(trials)} trials of {len(trials)} people"
        text = f"DOI 10.13026/C24H3N; {of}, {patient_n} of them with Parkinson's disease, 100 Hz, resampled."
        parts.append(f"{GAITPDB_NOTICE} {text}")
    if moticon_n := len(names & set(MOTICON)):
        parts.append(f"{MOTICON_NOTICE} {moticon_n} recording{'s' * (moticon_n > 1)} of one person.")
    return " ".join(parts)


def notices(results: Results) -> list[str]:
    """Give the notices that the recordings which were there ask for."""
    names = {name for name, _, _ in results.of_recordings}
    both = ((GAITPDB_NOTICE, GAITPDB), (MOTICON_NOTICE, MOTICON))
    return [notice for notice, members in both if names & set(members)]


def legend() -> str:
    """Say what the words in the tables mean."""
    return (
        f"{FAILS} breaks a must-line; ({FAILS}) breaks a line that does not bind there. Matching is one to one, "
        "optimal within 150 ms of the initial contact. *Missed*: ok stances without a detection. *False*: a detection "
        "where the reference, with whatever flag, has no stance. *Extra*: a second detection in an ok stance, or one "
        "more than 150 ms off. *Told*: every stance that the detector reported, scored or not. Errors are positive "
        "when late. Rates are pooled over stances; the worst subject has a table of its own. 200 Hz unless said "
        "otherwise. *Rough*: gain within ±30 %, offset 20 to 200 counts and drifting, noise 1 % of the range rms, "
        "creep 5 % per decade, saturation at 70 %, 15 ms of lag on unloading, 12 bits."
    )
