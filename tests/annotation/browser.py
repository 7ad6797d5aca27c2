"""Headless Chromium through chromedriver's own HTTP interface (W3C WebDriver)."""

import contextlib
import json
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--window-size=1200,900",
]


def missing():
    """Why there is no browser to try the page in, or ""."""
    lacking = [name for name in ("chromium", "chromedriver") if shutil.which(name) is None]
    return f"needs {', '.join(lacking)} (apt-get install chromium chromium-driver)" if lacking else ""


class Browser:
    """One page in one browser; `keys` types into the page, `run` evaluates a script and gives its value."""

    def __init__(self, port, downloads, profile):
        self._base = f"http://127.0.0.1:{port}"
        self._open = urllib.request.build_opener(urllib.request.ProxyHandler({})).open
        options = {"binary": shutil.which("chromium"), "args": [*FLAGS, f"--user-data-dir={profile}"]}
        wanted = {"alwaysMatch": {"goog:chromeOptions": options, "goog:loggingPrefs": {"browser": "ALL"}}}
        session = self._call("POST", "/session", {"capabilities": wanted})["sessionId"]
        self._base += f"/session/{session}"
        behaviour = {"behavior": "allow", "downloadPath": str(downloads)}
        self._call("POST", "/goog/cdp/execute", {"cmd": "Browser.setDownloadBehavior", "params": behaviour})

    def _call(self, method, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self._base + path, data, {"Content-Type": "application/json"}, method=method)
        with self._open(request, timeout=60) as reply:
            return json.load(reply)["value"]

    def visit(self, path):
        self._call("POST", "/url", {"url": Path(path).as_uri()})

    def run(self, script):
        return self._call("POST", "/execute/sync", {"script": f"return {script}", "args": []})

    def keys(self, text):
        moves = [{"type": kind, "value": key} for key in text for kind in ("keyDown", "keyUp")]
        self._call("POST", "/actions", {"actions": [{"type": "key", "id": "k", "actions": moves}]})

    def complaints(self):
        """Errors in the browser's log: scripts that failed, what the content security policy refused."""
        return [entry["message"] for entry in self._call("POST", "/se/log", {"type": "browser"})]

    def quit(self):
        self._call("DELETE", "")


@contextlib.contextmanager
def browser(downloads):
    """A fresh browser with its own profile, gone with the block."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    driver = subprocess.Popen(["chromedriver", f"--port={port}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        page = None
        try:
            for _ in range(100):
                with contextlib.suppress(urllib.error.URLError, OSError):
                    page = Browser(port, downloads, profile)
                    break
                time.sleep(0.1)
            yield page
        finally:
            if page is not None:
                with contextlib.suppress(urllib.error.URLError, OSError):
                    page.quit()
            driver.terminate()
            driver.wait()
