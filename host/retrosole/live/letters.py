"""Big letters, for words that are to be read from across a treadmill. Pure."""

from __future__ import annotations

_HEIGHT = 5
_FONT = {  # rows from the top, # is ink
    "A": ".#. #.# ### #.# #.#",
    "B": "##. #.# ##. #.# ##.",
    "C": ".## #.. #.. #.. .##",
    "D": "##. #.# #.# #.# ##.",
    "E": "### #.. ##. #.. ###",
    "F": "### #.. ##. #.. #..",
    "G": ".## #.. #.# #.# .##",
    "H": "#.# #.# ### #.# #.#",
    "I": "### .#. .#. .#. ###",
    "J": "..# ..# ..# #.# .#.",
    "K": "#.# #.# ##. #.# #.#",
    "L": "#.. #.. #.. #.. ###",
    "M": "#...# ##.## #.#.# #...# #...#",
    "N": "#..# ##.# #.## #..# #..#",
    "O": "### #.# #.# #.# ###",
    "P": "### #.# ### #.. #..",
    "Q": "### #.# #.# ### ..#",
    "R": "##. #.# ##. #.# #.#",
    "S": "### #.. ### ..# ###",
    "T": "### .#. .#. .#. .#.",
    "U": "#.# #.# #.# #.# ###",
    "V": "#.# #.# #.# #.# .#.",
    "W": "#...# #...# #.#.# ##.## #...#",
    "X": "#.# #.# .#. #.# #.#",
    "Y": "#.# #.# .#. .#. .#.",
    "Z": "### ..# .#. #.. ###",
    " ": ".. .. .. .. ..",
}
_HALVES = {"..": " ", "#.": "▀", ".#": "▄", "##": "█"}


def big(words: str, doubled: bool = False) -> list[str]:
    """Draw letters A to Z and blanks: 3 rows of half blocks, or `doubled`, 5 rows of blocks twice as wide.

    Raises KeyError for any other character.
    """
    glyphs = [_FONT[char].split() for char in words.upper()]
    lines = [".".join(glyph[y] for glyph in glyphs) for y in range(_HEIGHT)]
    if doubled:
        return ["".join("██" if dot == "#" else "  " for dot in line) for line in lines]
    lines.append("." * len(lines[0]))
    return [
        "".join(_HALVES[a + b] for a, b in zip(lines[y], lines[y + 1], strict=True)) for y in range(0, _HEIGHT, 2)
    ]
