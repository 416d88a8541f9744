"""What a page says and draws, without a browser."""

from __future__ import annotations

import html
import re

# How a person would read a number that is none
NO_NUMBER = re.compile(r"(?<![A-Za-z])(nan|NaN|None|inf|null)(?![A-Za-z])|array\(|np\.")
_FIGURE = re.compile(r"<svg(?! [^>]*aria-hidden).*?</svg>", re.DOTALL)


def text_of(page: str) -> str:
    """Give what a page says in words, a line for each piece of it; drawings are left out."""
    body = re.sub(r"<svg.*?</svg>", "", page[page.index("<body") :], flags=re.DOTALL)
    body = re.sub(r"</(p|h\d|li|tr|figcaption|figure|div|section|dt|dd|b|ul|span)>", "\n", body)
    body = re.sub(r"</t[dh]>", " | ", body)
    text = html.unescape(re.sub(r"<[^>]+>", "", body)).replace("\N{NO-BREAK SPACE}", " ")
    return re.sub(r"\n\s*", "\n", text)


def figures_of(page: str) -> list[str]:
    """Give the labels of all drawings but the samples in legends; one that is there for phones, too, counts once."""
    labels = [re.search(r'aria-label="([^"]*)"', drawing) for drawing in _FIGURE.findall(page)]
    return list(dict.fromkeys(html.unescape(label[1]) for label in labels if label))


def check_page(page: str) -> str:
    """Check what holds of every page; give its text."""
    assert page.startswith("<!doctype html>") and "<script" not in page and "javascript:" not in page
    assert not re.search(r"https?:|//[a-z]|url\(|@import|<(img|link|iframe|object|form)\b| on[a-z]+=", page), (
        "no network"
    )
    assert "default-src 'none'" in html.unescape(page)
    text = text_of(page)
    assert not NO_NUMBER.search(page[page.index("<body") :]), NO_NUMBER.search(page[page.index("<body") :])
    assert "no medical device" in text and "not a diagnosis" in text and "sent nowhere" in text
    return text
