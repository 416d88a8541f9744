"""The guides are followed word by word, as their readers would."""

from tests.machines import ROOT

DOCS = ROOT / "docs"
READERS = ("wearer", "therapist", "researcher", "maker")
