"""The page of the live view in real Chromium, on states made by hand: what is shown, how large, in which colours."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from retrosole.gait.strides import Stride
from retrosole.live import feed
from retrosole.live.state import FootState, LiveState
from retrosole.live.web import WebView
from tests.browser import Tab, TabMaker

NAMES = ["hallux", "met1", "met3", "met5", "heel_medial", "heel_lateral"]
ZONES = ["forefoot"] * 4 + ["heel"] * 2
PHONE, DESK, ALL_IN_ONE, SMALL = (390, 844), (1440, 900), (1920, 1080), (1024, 768)
RATE_HZ = 200
# Of a screen 0.5 m wide, 2 m away: what a person reads while walking takes 1/200 of the distance.
_READABLE_MM, _SCREEN_MM = 10, 500


def walking(side: str, order: str = "forefoot_first", stride_n: int = 12) -> FootState:
    """Make a foot that has walked for ten seconds: forefoot and heel loaded one after the other."""
    foot = FootState(side, NAMES, ZONES, RATE_HZ)
    foot.link, foot.battery_mv = "connected", 3912
    time_s = np.arange(11 * RATE_HZ)[:, None] / RATE_HZ
    lag_s = np.array([0.0] * 4 + [0.1] * 2)
    counts = 100 + 3000 * np.clip(np.sin(2 * np.pi * (time_s - lag_s) / 1.2), 0, None)
    foot.push_samples(0, counts.astype(np.uint16))
    for number in range(stride_n):
        start_s = 11 - 1.2 * (stride_n - number)
        heel_s = start_s + 0.1
        seen = {"forefoot_on_s": start_s, "heel_on_s": heel_s, "final_contact_s": start_s + 0.6, "confidence": 0.9}
        foot.push_stride(
            Stride(side, number, start_s, contact_order=order, lift_order=order, direction="backward", **seen)
        )
    return foot


@pytest.fixture(autouse=True)
def _no_haste(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let samples made by hand stay new however slow the browser is."""
    monkeypatch.setattr(feed, "_QUIET_S", 1e6)


class Buttons:
    def __init__(self) -> None:
        self.asked: list[str] = []

    def ask(self, what: str) -> None:
        self.asked.append(what)


@pytest.fixture
def buttons() -> Buttons:
    return Buttons()


@pytest.fixture
def pair(buttons: Buttons) -> Iterator[tuple[LiveState, WebView]]:
    state = LiveState([walking("left"), walking("right", "heel_first")], elapsed_s=75.0)
    with WebView(state, buttons) as web:
        yield state, web


def shown(tab: Tab) -> Tab:
    """Wait until the first picture is drawn."""
    tab.until("document.querySelectorAll('.foot').length > 0 && document.getElementById('elapsed').textContent")
    return tab


def ends(tab: Tab) -> None:
    assert tab.wrong == []
    own = tab.page.url.split("/")[2]
    assert {url.split("/")[2] for url in tab.asked if not url.startswith("data:")} == {own}


# ---- what is shown


def test_everything_is_shown(pair: tuple[LiveState, WebView], tab: TabMaker) -> None:
    state, web = pair
    state.message, state.recording = "left: back again", "sessions/2026_P07"
    page = shown(tab(web.url))
    assert page.text("#elapsed") == "0:01:15"
    assert page.text("#recording") == "● recording sessions/2026_P07"
    assert page.text("#message") == "left: back again"
    assert page.text("#walked") == "24 strides, 100 % backward"
    assert page.text("#cadence") == "100"
    assert (page.text("#toe_first"), page.text("#toe_first_of")) == ("50", "toe first, of 24")
    left, right = ('.foot[data-side="left"]', '.foot[data-side="right"]')
    assert page.text(f"{left} .order").split() == ["forefoot", "first"]
    assert page.text(f"{right} .order").split() == ["heel", "first"]
    assert page.text(f"{left} .more") == "backward, 600 ms · heel down after 100 ms"
    assert page.text(f"{left} h2").split() == ["LEFT", "connected", "3.91", "V"]
    first = page.text(f"{left} tbody tr").split("\t")
    assert first == ["11", "forefoot first", "forefoot first", "backward", "600", "100"]
    ends(page)


def test_sensors_are_where_they_are_and_as_loaded_as_they_are(pair: tuple[LiveState, WebView], tab: TabMaker) -> None:
    state, web = pair
    state.feet[0].push_samples(2200, np.tile(np.array([[3100, 1600, 100, 100, 100, 4095]], np.uint16), (26, 1)))
    page = shown(tab(web.url))
    page.until("document.querySelector('.foot .sensor').dataset.load === '100'")
    sensors = page.run(
        """() => [...document.querySelectorAll('.foot')].map(foot => [...foot.querySelectorAll('.sensor')].map(one => {
            const box = one.querySelector('.rim').getBoundingClientRect();
            const map = foot.querySelector('.outline').getBoundingClientRect();
            const load = one.querySelector('.load');
            return {name: one.dataset.site, text: one.querySelector('text').textContent, zone: one.classList[1],
                    fill: Number(getComputedStyle(load).fillOpacity),
                    x: (box.x + box.width / 2 - map.x) / map.width, y: (box.y + box.height / 2 - map.y) / map.height};
        }))"""
    )
    left, right = ({one["name"]: one for one in foot} for foot in sensors)
    assert list(left) == ["hallux", "met1", "met3", "met5", "heel medial", "heel lateral"]
    assert [one["text"] for one in left.values()] == ["100", "50", "0", "0", "0", "--"]
    assert [round(one["fill"], 2) for one in left.values()] == [1, 0.5, 0, 0, 0, 0]
    assert left["hallux"]["zone"] == "forefoot" and left["heel medial"]["zone"] == "heel"
    for foot, inner in ((left, 1), (right, 0)):  # the big toes are next to each other
        assert abs(foot["hallux"]["x"] - inner) < abs(foot["met5"]["x"] - inner)
        assert foot["hallux"]["y"] < foot["met1"]["y"] < foot["heel medial"]["y"]
        assert all(0 < one["x"] < 1 and 0 < one["y"] < 1 for one in foot.values())


def test_the_centre_of_pressure_moves_from_forefoot_to_heel(pair: tuple[LiveState, WebView], tab: TabMaker) -> None:
    state, web = pair
    page = shown(tab(web.url))
    heights = []
    for number, row in enumerate(([3000] * 4 + [100] * 2, [100] * 4 + [3000] * 2)):
        state.feet[0].push_samples(2200 + 300 * number, np.tile(np.array([row], np.uint16), (300, 1)))
        page.until(f"document.querySelector('.sensor text').textContent === '{(97, 0)[number]}'")
        heights.append(page.run("() => Number(document.querySelector('.centre').getAttribute('cy'))"))
    assert heights[0] < 60 and heights[1] > 120, heights
    state.feet[0].push_samples(2800, np.full((300, 6), 100, np.uint16))
    page.until("getComputedStyle(document.querySelector('.centre')).display === 'none'")
    assert page.run("() => document.querySelector('.trail').getAttribute('d')") == ""


def test_traces_and_stances_are_drawn(pair: tuple[LiveState, WebView], tab: TabMaker) -> None:
    page = shown(tab(pair[1].url))
    colours = page.run(
        """() => [...document.querySelectorAll('.traces')].map(canvas => {
            const seen = {}, pen = canvas.getContext('2d');
            const {data} = pen.getImageData(0, 0, canvas.width, canvas.height);
            for (let i = 0; i < data.length; i += 4) if (data[i + 3]) {
                const key = [data[i], data[i + 1], data[i + 2]].map(v => v.toString(16).padStart(2, '0')).join('');
                const mark = key + (data[i + 3] < 255 ? ' pale' : '');
                seen[mark] = (seen[mark] || 0) + 1;
            }
            seen.all = canvas.width * canvas.height;
            return seen;
        })"""
    )
    blue, orange = "0062a8", "a84f00"
    for foot, own, other in ((colours[0], blue, orange), (colours[1], orange, blue)):
        assert foot[blue] > 0.05 * foot["all"] and foot[orange] > 0.02 * foot["all"]
        pale = {key: n for key, n in foot.items() if key.endswith("pale")}
        # a pale colour is rounded when it is read back: the stance is told by its stronger foot line too
        near = [key for key, n in pale.items() if n > 0.02 * foot["all"]]
        assert near and all(_nearer(key[:6], own, other) for key in near), pale


def _nearer(colour: str, one: str, other: str) -> bool:
    def distance(to: str) -> int:
        return sum(abs(int(colour[i : i + 2], 16) - int(to[i : i + 2], 16)) for i in (0, 2, 4))

    return distance(one) < distance(other)


def test_strides_appear_as_they_come(pair: tuple[LiveState, WebView], tab: TabMaker) -> None:
    state, web = pair
    page = shown(tab(web.url))
    for number, (order, words) in enumerate((("together", "together"), ("unknown", "unknown"))):
        late = Stride("left", 12 + number, 10.0 + number, final_contact_s=10.5 + number, contact_order=order)
        state.feet[0].push_stride(late)
        page.until(f"document.querySelector('.foot .order').textContent === '{words}'")
        assert page.text(".foot tbody tr").split("\t") == [str(12 + number), words, "unknown", "unknown", "500", "--"]
    state.feet[0].push_contact("heel_first", 12.0)
    state.feet[0].push_samples(2200, np.full((20, 6), 3000, np.uint16))
    page.until("document.querySelector('.foot .more').textContent === 'on the ground: heel first'")
    assert "nan" not in page.text("body").lower()


def test_a_hint_is_big_and_leaves_everything_in_its_place(pair: tuple[LiveState, WebView], tab: TabMaker) -> None:
    state, web = pair
    page = shown(tab(web.url))
    page.until("document.querySelector('#hint strong').textContent === 'Forefoot first'")  # the right foot's heel
    assert "heel first" in page.text("#hint span") and "right" in page.text("#hint span")
    heard = page.run("() => [...document.querySelectorAll('[role=status]')].map(one => one.textContent)")
    assert heard == ["", "Forefoot first", ""], "what changes with each step is not read out"
    before = page.run("() => document.getElementById('feet').getBoundingClientRect().y")
    for number in range(12, 16):
        start_s = 11 + 1.2 * (number - 12)
        good = Stride("right", number, start_s, final_contact_s=start_s + 0.6, contact_order="forefoot_first")
        state.feet[1].push_stride(good)
    page.until("document.querySelector('#hint strong').textContent === ''")
    assert page.text("#hint") == "target: forefoot first"
    assert page.run("() => document.getElementById('feet').getBoundingClientRect().y") == before
    ends(page)


def test_what_is_wrong_with_a_foot_is_said(
    pair: tuple[LiveState, WebView], tab: TabMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    state, web = pair
    page = shown(tab(web.url))
    foot = state.feet[1]
    foot.lost_sample_n, foot.lost_frame_n, foot.fault, foot.cue_on = 12, 1, "sensor stuck", True
    page.until("document.querySelectorAll('.health')[1].textContent.includes('lost')")
    said = page.run("() => document.querySelectorAll('.health')[1].textContent")
    assert said == "lost 12 samples, 1 frame · 3.91 V · cue on · insole says: sensor stuck"
    monkeypatch.setattr(feed, "_QUIET_S", 1.0)
    page.until("document.querySelectorAll('.link')[1].textContent.startsWith('no sample for')")
    foot.link = "gone, looking for it"
    page.until("document.querySelectorAll('.link')[1].textContent === 'gone, looking for it'")
    page.until("[...document.querySelectorAll('.foot:nth-child(2) .sensor')].every(one => one.dataset.load === '')")
    assert page.run("() => document.querySelectorAll('.trail')[1].getAttribute('d')") == ""
    assert page.run("() => document.querySelectorAll('.foot')[1].classList.contains('away')")
    page.run("() => { document.getElementById('delay').textContent = 'delay 90 ms'; }")
    for state_foot in state.feet:
        state_foot.link = "gone, looking for it"
    page.until("document.getElementById('delay').textContent === ''")


def test_an_empty_state_shows_no_number_that_is_none(tab: TabMaker, buttons: Buttons) -> None:
    names = ["met1", "met2", "met3", "met4", "somewhere", "<img src=x onerror=alert(1)>", "heel_center", "toes"]
    foot = FootState("left", names, ["forefoot"] * 4 + ["unused"] * 2 + ["heel", "toes"], 100.0)
    foot.fault = "<script>alert(2)</script>"
    with WebView(LiveState([foot]), buttons) as web:
        page = shown(tab(web.url, PHONE))
        body = page.text("body")
        assert "nan" not in body.lower() and "undefined" not in body and "null" not in body
        assert page.text(".foot .order").split() == ["no", "stride"]
        assert (page.text("#cadence"), page.text("#toe_first")) == ("--", "--")
        loads = page.run("() => [...document.querySelectorAll('.sensor text')].map(one => one.textContent)")
        assert loads == ["--"] * 8
        assert "<script>alert(2)</script>" in body, "shown as the text it is"
        foot.push_samples(0, np.full((400, 8), 4095, np.uint16))
        foot.link = "connected"
        page.until("document.querySelector('.link').textContent === 'connected'")
        assert "nan" not in page.text("body").lower()
        ends(page)


# ---- sizes and colours


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [PHONE, SMALL, DESK, ALL_IN_ONE], ids=str)
def test_it_fits_and_can_be_read(
    pair: tuple[LiveState, WebView], tab: TabMaker, size: tuple[int, int], scheme: str, tmp_path: Path
) -> None:
    page = shown(tab(pair[1].url, size, scheme))
    page.page.screenshot(path=tmp_path / "page.png")
    width = page.run("() => document.documentElement.scrollWidth")
    assert width <= size[0], "nothing to scroll sideways"
    if size != PHONE:
        assert page.run("() => document.documentElement.scrollHeight") <= size[1], "all of it at once"
    for selector in (".order", "#cadence", "#toe_first", "#hint strong"):
        for box in page.page.locator(selector).all():
            at = box.bounding_box()
            assert at["x"] >= 0 and at["x"] + at["width"] <= size[0] and at["y"] + at["height"] <= size[1]
            height_px = box.evaluate("one => parseFloat(getComputedStyle(one).fontSize)")
            letter_mm = 0.7 * height_px * _SCREEN_MM / size[0]
            assert letter_mm >= _READABLE_MM, f"{selector} is {letter_mm:.0f} mm high at {size}"
    overlaps = _overlaps(page)
    assert not overlaps, overlaps
    assert page.run("() => getComputedStyle(document.body).backgroundColor") == (
        "rgb(18, 18, 18)" if scheme == "dark" else "rgb(255, 255, 255)"
    )
    for selector in (".order", ".more", "td", "#hint span", ".side", ".health", "button", "#recording", ".number span"):
        contrast = page.run(_CONTRAST, selector)
        assert contrast >= 4.5, f"{selector} has a contrast of {contrast:.1f} on {scheme}"
    ends(page)


def _overlaps(page: Tab) -> list[tuple[str, str]]:
    """Give which parts of the page that stand beside each other cover each other."""
    parts = ("header", "#hint", ".number", ".foot h2", ".foot .last", ".foot .map", ".foot .traces", ".foot table")
    boxes = [(part, one.bounding_box()) for part in parts for one in page.page.locator(part).all()]
    return [(a, b) for (a, one), (b, other) in itertools.combinations(boxes, 2) if _cover(one, other)]


def _cover(one: dict[str, float], other: dict[str, float]) -> bool:
    across = min(one["x"] + one["width"], other["x"] + other["width"]) - max(one["x"], other["x"])
    down = min(one["y"] + one["height"], other["y"] + other["height"]) - max(one["y"], other["y"])
    return across > 1 and down > 1


_CONTRAST = """selector => {
    const light = colour => {
        const [r, g, b] = colour.match(/[\\d.]+/g).map(v => v / 255)
            .map(v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const behind = one => {
        const colour = getComputedStyle(one).backgroundColor;
        return colour === 'rgba(0, 0, 0, 0)' ? behind(one.parentElement || document.body) : colour;
    };
    return Math.min(...[...document.querySelectorAll(selector)].filter(one => one.textContent).map(one => {
        const [a, b] = [light(getComputedStyle(one).color), light(behind(one))].sort((x, y) => y - x);
        return (a + 0.05) / (b + 0.05);
    }));
}"""


# ---- buttons


def test_keys_and_buttons(pair: tuple[LiveState, WebView], tab: TabMaker, buttons: Buttons) -> None:
    page = shown(tab(pair[1].url))
    for key in ("m", "t", "r", "x", "Control+m", "t"):
        page.page.keyboard.press(key)
    page.page.locator("button", has_text="mark").click()
    page.page.keyboard.press("q")
    assert page.text("button.sure") == "end it?"
    page.until("!document.querySelector('button.sure')")
    assert page.text("button[data-ask=quit]").split() == ["q", "quit"]
    for _ in range(2):
        page.page.locator("button[data-ask=quit]").click()
    end_s = time.monotonic() + 20
    while "quit" not in buttons.asked and time.monotonic() < end_s:
        time.sleep(0.01)
    assert buttons.asked == ["mark", "record", "tare", "mark", "quit"]


def test_buttons_can_be_reached_and_pressed_without_a_mouse(
    pair: tuple[LiveState, WebView], tab: TabMaker, buttons: Buttons
) -> None:
    page = shown(tab(pair[1].url))
    focused = "() => document.activeElement.dataset.ask || document.activeElement.dataset.do"
    page.page.keyboard.press("Tab")
    assert page.run(focused) == "mark"
    for key in ("Space", "Enter"):
        page.page.keyboard.press(key)
    assert page.run(focused) == "mark", "it stays where it is, to be pressed again"
    assert page.text("#pause") == "pause"
    for _ in range(2):
        page.page.keyboard.press("Tab")
    page.page.keyboard.press("Space")
    assert page.run("() => document.getElementById('asked').textContent") == "feet in the air? Press again."
    page.page.keyboard.press("Space")
    assert page.run("() => document.getElementById('asked').textContent") == ""
    end_s = time.monotonic() + 20
    while len(buttons.asked) < 3 and time.monotonic() < end_s:
        time.sleep(0.01)
    assert buttons.asked == ["mark", "mark", "tare"]


def test_the_picture_can_be_held(pair: tuple[LiveState, WebView], tab: TabMaker) -> None:
    state, web = pair
    page = shown(tab(web.url))
    page.page.keyboard.press("Space")
    assert page.run("() => document.body.classList.contains('paused')")
    for part in ("#feet", "#numbers", "#hint"):  # nothing that stands still looks as if it were of now
        assert page.run(f"() => getComputedStyle(document.querySelector('{part}')).opacity") == "0.45"
    assert page.text("#pause") == "paused: go on"
    state.elapsed_s = 100.0
    time.sleep(1)
    assert page.text("#elapsed") == "0:01:15"
    page.page.keyboard.press("Space")
    page.until("document.getElementById('elapsed').textContent === '0:01:40'")


# ---- the stream


def test_a_stream_that_is_cut_is_said_and_comes_again(tab: TabMaker, buttons: Buttons) -> None:
    state = LiveState([walking("left")], elapsed_s=5.0)
    with WebView(state, buttons) as web:
        port, token = web.gate.port, web.gate.token
        page = shown(tab(web.url, PHONE))
        assert page.run("() => document.getElementById('stale').hidden")
        for client in web._clients:
            client.connection.transport.abort()
        page.until("true")
        end_s = time.monotonic() + 20
        while len(web._clients) != 1 and time.monotonic() < end_s:
            time.sleep(0.05)
        state.elapsed_s = 6.0
        page.until("document.getElementById('elapsed').textContent === '0:00:06'")
        web._feed.advance = lambda now_s, is_due=False: None  # type: ignore[method-assign]
        page.until("document.getElementById('stale').textContent.startsWith('This picture is old: nothing comes')")
        page.until("document.getElementById('stale').textContent.endsWith(' 3 s')")
        heard = page.run("() => document.querySelector('[role=alert]').textContent")
        assert heard == "This picture is old: nothing comes from the program. Trying again.", "seconds are not read out"
        assert page.run("() => document.body.classList.contains('stale')")
        del web._feed.advance
        page.until("document.getElementById('stale').hidden")
    page.until("document.getElementById('stale').textContent.trim() === 'The walk has ended. This page can be closed.'")
    again = LiveState([walking("left")], elapsed_s=7.0)
    with WebView(again, buttons, port) as web:
        web.gate.token = token
        page.page.reload()
        page.until("document.getElementById('elapsed').textContent === '0:00:07'")


def test_the_way_back_to_light_and_dark_is_drawn_at_once(pair: tuple[LiveState, WebView], tab: TabMaker) -> None:
    page = shown(tab(pair[1].url, DESK, "light"))
    page.page.emulate_media(color_scheme="dark")
    page.until("getComputedStyle(document.body).backgroundColor === 'rgb(18, 18, 18)'")
    found = """() => { const canvas = document.querySelector('.traces'), pen = canvas.getContext('2d');
        const {data} = pen.getImageData(0, 0, canvas.width, canvas.height);
        for (let i = 0; i < data.length; i += 4) if (data[i] === 0x5f && data[i + 1] === 0xaf && data[i + 3] === 255)
            return true;
        return false; }"""
    page.until(f"({found})()")
