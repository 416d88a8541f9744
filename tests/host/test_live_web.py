"""The server of the page over real sockets: who gets in, who is skipped, what buttons do, how it ends."""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from retrosole.errors import UsageError
from retrosole.gait.strides import Stride
from retrosole.live import web as web_module
from retrosole.live.gate import STREAM
from retrosole.live.state import FootState, LiveState
from retrosole.live.web import WebView
from tests.host.page_reader import WAIT_S, Reader, opened

NAMES = ["hallux", "met1", "met3", "met5", "heel_medial", "heel_lateral"]
ZONES = ["forefoot"] * 4 + ["heel"] * 2


class Asked:
    """Remember what the buttons asked for."""

    def __init__(self) -> None:
        self.what: list[str] = []

    def ask(self, what: str) -> None:
        self.what.append(what)


@pytest.fixture
def foot() -> FootState:
    foot = FootState("left", NAMES, ZONES, 200.0)
    foot.link = "connected"
    return foot


@pytest.fixture
def asked() -> Asked:
    return Asked()


@pytest.fixture
def web(foot: FootState, asked: Asked) -> Iterator[WebView]:
    with WebView(LiveState([foot]), asked) as web:
        yield web


def until(condition: Callable[[], object]) -> None:
    end_s = time.monotonic() + WAIT_S
    while not condition():
        assert time.monotonic() < end_s, "waited too long"
        time.sleep(0.01)


def push(foot: FootState, first: int, level: int, n: int = 26) -> None:
    foot.push_samples(first, np.full((n, len(NAMES)), level, dtype=np.uint16))


def asked_for(web: WebView, path: str, method: str = "GET", **headers: str) -> tuple[int, bytes, dict[str, str]]:
    """Ask for exactly this path over HTTP."""
    connection = http.client.HTTPConnection("127.0.0.1", web.gate.port, timeout=WAIT_S)
    try:
        connection.putrequest(method, path, skip_host="Host" in headers)
        for name, value in headers.items():
            connection.putheader(name, value)
        connection.endheaders()
        answer = connection.getresponse()
        return answer.status, answer.read(), dict(answer.getheaders())
    finally:
        connection.close()


def read_to_the_end(reader: Reader) -> None:
    end_s = time.monotonic() + WAIT_S
    while time.monotonic() < end_s:
        try:
            reader.read(draws=False)
        except ConnectionClosed:
            return
    raise AssertionError("it was not closed")


# ---- who gets in


def test_the_page_comes_with_its_policy(web: WebView) -> None:
    status, body, headers = asked_for(web, f"/{web.gate.token}/")
    assert status == 200 and body == web.gate.files[""][1]
    assert headers["Content-Security-Policy"].startswith("default-src 'none'; ")
    assert "Server" not in headers


def test_strangers_are_refused(web: WebView) -> None:
    own, port = web.gate.token, web.gate.port
    assert asked_for(web, "/")[0] == 403
    assert asked_for(web, f"/{own[::-1]}/")[0] == 403
    assert asked_for(web, f"/{own}/", Host=f"evil.example:{port}")[0] == 403
    assert asked_for(web, f"/{own}/", Origin="http://evil.example")[0] == 403
    assert asked_for(web, f"/{own}/../state.py")[0] == 404
    assert asked_for(web, f"/{own}/%2e%2e/%2e%2e/state.py")[0] == 404
    assert asked_for(web, f"/{own}/", method="POST")[0] in (400, 405)  # as the version of websockets has it


@pytest.mark.parametrize(
    "options",
    [{"origin": "http://evil.example"}, {"origin": None}, {"additional_headers": {"Host": "evil.example"}}],
    ids=["origin", "no origin", "two hosts"],
)
def test_foreign_pages_get_no_stream(web: WebView, options: dict[str, object]) -> None:
    with pytest.raises(InvalidStatus) as refused:
        opened(web, **options)
    assert refused.value.response.status_code in (403, 404)


def test_a_wrong_token_gets_no_stream(web: WebView) -> None:
    own = web.gate.token
    web.gate.token = own[::-1]
    try:
        url_of_page = web.url
    finally:
        web.gate.token = own
    with pytest.raises(InvalidStatus) as refused:
        connect(url_of_page.replace("http:", "ws:") + STREAM, origin=f"http://127.0.0.1:{web.gate.port}", proxy=None)
    assert refused.value.response.status_code == 403


@pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="NOT TESTED: only Linux says who listens where")
def test_it_listens_on_127_0_0_1_only(web: WebView) -> None:
    own = web.gate.port
    with open("/proc/net/tcp") as table, open("/proc/net/tcp6") as table6:
        rows = [line.split() for line in [*table, *table6]]
    listening = [row[1] for row in rows if row[3] == "0A" and int(row[1].rpartition(":")[2], 16) == own]
    assert listening == [f"0100007F:{own:04X}"]
    with socket.socket() as other:
        other.settimeout(WAIT_S)
        assert other.connect_ex(("127.0.0.2", own)) != 0


def test_noise_on_the_port_harms_nobody(web: WebView, capfd: pytest.CaptureFixture[str]) -> None:
    for noise in (b"\0" * 100, b"GET\r\n\r\n", b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 500 + b"\r\n", b""):
        with socket.create_connection(("127.0.0.1", web.gate.port), WAIT_S) as stranger:
            stranger.sendall(noise)
    with opened(web) as stream:
        assert Reader(stream).read()["whole"]
    assert web.failure is None
    assert capfd.readouterr() == ("", "")


# ---- the stream


def test_first_everything_then_what_changes(web: WebView, foot: FootState) -> None:
    push(foot, 0, 100, 400)
    with opened(web) as stream:
        reader = Reader(stream)
        reader.read()
        shown = reader.model["feet"][0]
        assert shown["names"] == ["hallux", "met1", "met3", "met5", "heel medial", "heel lateral"]
        assert len(shown["columns"]) == 100
        push(foot, 400, 900)
        foot.push_stride(Stride("left", 7, 1.0, final_contact_s=1.6, contact_order="heel_first"))
        reader.until(lambda: len(shown["columns"]) == 106 and shown["strides"])
        assert shown["columns"][-1] == [900] * 6
        assert (shown["strides"][0]["words"], shown["strides"][0]["stance"]) == ("heel first", "600")
        assert reader.whole_n == 1


def test_a_still_picture_gives_signs_of_life(web: WebView) -> None:
    with opened(web) as stream:
        reader = Reader(stream)
        reader.read()
        assert set(reader.read()) == {"n"}


def test_a_slow_browser_is_skipped_and_catches_up(web: WebView, foot: FootState) -> None:
    with opened(web) as slow_stream, opened(web) as stream:
        slow, quick = Reader(slow_stream), Reader(stream)
        slow.read(draws=False)
        quick.read()
        for number in range(30):
            push(foot, 26 * number, 100 + number)
            seen = 26 * (number + 1) // 4
            quick.until(lambda seen=seen: len(quick.model["feet"][0]["columns"]) >= seen)
        (behind,) = (client for client in web._clients if client.is_behind)
        while slow.model["n"] < behind._sent[-1][0]:
            slow.read(draws=False)
        assert slow.model["n"] < quick.model["n"] - 5, "it was sent no more than so many"
        slow_stream.send(json.dumps({"drawn": slow.model["n"]}))
        slow.until(lambda: slow.whole_n == 2)
        assert len(slow.model["feet"][0]["columns"]) == 195
        assert quick.whole_n == 1


def test_latency_is_from_the_sample_to_the_screen(web: WebView, foot: FootState) -> None:
    with opened(web) as stream:
        reader = Reader(stream)
        reader.read()
        for number in range(200):
            push(foot, 26 * number, 100)
            foot.sampled_s = time.monotonic() - 0.2
            reader.read()
            if reader.delay_ms is not None:
                break
        assert reader.delay_ms is not None and reader.delay_ms >= 200


def test_buttons_are_heard_and_nothing_else(web: WebView, asked: Asked) -> None:
    with opened(web) as stream:
        for what in ("mark", "tare", "record", "quit"):
            stream.send(json.dumps({"ask": what}))
        until(lambda: len(asked.what) == 4)
    for words in ("", "[]", '{"ask":"erase"}', '{"ask":["quit"]}', "{", '{"drawn":"1"}', b"\xff", "[" * 120, "x" * 200):
        with opened(web) as stream:
            stream.send(words)
            read_to_the_end(Reader(stream))
    assert asked.what == ["mark", "tare", "record", "quit"]
    assert web.failure is None


def test_so_many_browsers_and_no_more(web: WebView, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web_module, "_CLIENT_N", 2)
    with opened(web) as one, opened(web) as other:
        Reader(one).read()
        Reader(other).read()
        with pytest.raises(InvalidStatus) as refused:
            opened(web)
        assert refused.value.response.status_code == 503
    until(lambda: not web._clients)
    with opened(web) as again:
        Reader(again).read()


# ---- the end


def test_the_end_is_said_and_the_thread_is_gone(foot: FootState, asked: Asked) -> None:
    with contextlib.ExitStack() as stack:
        with WebView(LiveState([foot]), asked) as web:
            reader = Reader(stack.enter_context(opened(web)))
            reader.read()
        read_to_the_end(reader)
    assert reader.has_ended
    assert "web" not in {thread.name for thread in threading.enumerate()}
    with pytest.raises(ConnectionRefusedError):
        asked_for(web, "/")


def test_a_fault_of_the_server_is_told_at_the_end(foot: FootState) -> None:
    class Broken:
        def ask(self, what: str) -> None:
            raise ZeroDivisionError(what)

    def walk() -> None:
        with WebView(LiveState([foot]), Broken()) as web, opened(web) as stream:
            stream.send('{"ask":"quit"}')
            until(lambda: web.failure is not None)

    with pytest.raises(ZeroDivisionError, match="quit"):
        walk()


def test_a_port_that_is_taken_is_said(web: WebView) -> None:
    with pytest.raises(UsageError, match=f"cannot be served on port {web.gate.port} .*--web-port"):
        WebView(LiveState([FootState("left", ["a"], ["heel"], 200.0)]), Asked(), web.gate.port)


def test_nobody_watching_costs_no_picture(web: WebView) -> None:
    number = web._feed.number
    time.sleep(0.5)
    assert web._feed.number == number
