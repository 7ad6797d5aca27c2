"""A page full of hostile texts, and a browser's window on it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.annotation.browser import Browser

TAB, ENTER = "\ue004", "\ue007"
PHONE, DESKTOP = 390, 1280


@contextmanager
def listening() -> Iterator[tuple[str, list[str]]]:
    """A server that answers everything and remembers who asked."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"window.hacked = 9")

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        server.server_close()


def hostile(base: str) -> list[str]:
    return [
        f"<script src='{base}/a'></script><script>window.hacked = 1; document.title = 'hacked'</script>",
        f"</bdi></td></table></details></main><img src='{base}/b' onerror='window.hacked = 2'>",
        f'" onfocus="window.hacked = 3" autofocus x="<svg onload=window.hacked=4><image href={base}/c />',
        f"</title></style></svg><style>@import '{base}/d'; * {{ display: none }}</style><link rel=stylesheet href={base}/e>",
        f"<meta http-equiv=refresh content='0;url={base}/f'><base href='{base}/'><iframe src='{base}/g'></iframe>",
        "\u202eright to left\u2066 and \u200f never back \u061c",
        "مرحبا " * 40,
        "x" * 10_000,
        "W" * 300 + " " + "&lt;b&gt; &#60;i&#62; \x00\x07 ]]> --> <!-- ",
        "word " * 2_000,
        f'=HYPERLINK("{base}/i","click")',
    ]


def devtools(tab: Browser, command: str, **parameters: object) -> Any:
    return tab._call("POST", "/goog/cdp/execute", {"cmd": command, "params": parameters})


def resize(tab: Browser, width: int) -> None:
    devtools(
        tab, "Emulation.setDeviceMetricsOverride", width=width, height=800, deviceScaleFactor=1, mobile=width < 500
    )


def open_all(tab: Browser) -> None:
    tab.run("document.querySelectorAll('details').forEach(d => d.open = true)")
