"""XML as it stands in an XDF file: elements with text or with other elements in them, no attributes. Written only.

Python's own XML package reads as well, and nothing here may: what is read could grow without bound.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from html import escape

from retrosole.export.content import plain


@dataclass
class Element:
    """Hold an element: text, or others in order."""

    tag: str
    text: str = ""
    children: list[Element] = field(default_factory=list)

    def add(self, tag: str, text: object = "") -> Element:
        """Put an element at the end of this one; give it."""
        child = Element(tag, str(text))
        self.children.append(child)
        return child

    def __str__(self) -> str:
        """Write it; control characters, which XML has none of, become spaces."""
        inside = escape(plain(self.text), quote=False) + "".join(map(str, self.children))
        return f"<{self.tag}>{inside}</{self.tag}>"
