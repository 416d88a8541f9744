"""The guides are followed word by word, as their readers would."""

from tests.machines import ROOT

DOCS = ROOT / "docs"
READERS = ("wearer", "therapist", "researcher", "maker")
BUILD = ROOT / "hardware" / "BUILD.md"
FOLLOWED = (*(DOCS / f"{reader}.md" for reader in READERS), BUILD)
