"""A web server on this computer with download pages as micropython.org has them, for the ESP32-C3.

As far as can be known without internet: the pages' links were taken from descriptions, not from the site itself.
"""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from retrosole.flashing.chips import CHIPS
from tests.boards import images

CHIP = CHIPS[2]
VERSIONS = ("1.27.0", "1.26.1", "1.25.0", "1.24.1", "1.20.0")


class Site:
    """Serve what `files` holds by path; `asked` are the paths that were asked for."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {f"/download/{CHIP.micropython_board}/": self._page()}
        self.asked: list[str] = []
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                site.asked.append(self.path)
                content = site.files.get(self.path)
                self.send_response(404 if content is None else 200)
                self.end_headers()
                self.wfile.write(content or b"")

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        for version in VERSIONS:
            self.publish(version)

    def _page(self) -> bytes:
        rows = "".join(
            f'<a href="{self.path(version)}">v{version} (2025-04-15) .bin</a> / '
            f'<a href="{self.path(version).replace(".bin", ".app-bin")}">[.app-bin]</a>\n'
            for version in VERSIONS
        )
        preview = f'<a href="/resources/firmware/{CHIP.micropython_board}-20251003-v1.28.0-preview.12.gabc.bin">x</a>'
        return f"<html>{rows}{preview}</html>".encode()

    def publish(self, version: str, content: bytes | None = None) -> None:
        self.files[self.path(version)] = images.release(CHIP, version) if content is None else content

    @staticmethod
    def path(version: str) -> str:
        return f"/resources/firmware/{images.release_name(CHIP, version)}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
