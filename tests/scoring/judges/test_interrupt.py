"""Ctrl-C while a served judge is asked: calls under way are waited for and kept, so that none is paid twice."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest


@pytest.fixture
def slow_judge():
    """An endpoint that answers after a second and counts what it answered; it answers whoever is still there or not."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            self.server.asked.append(body)
            time.sleep(1.0)
            choice = {
                "index": 0,
                "message": {"role": "assistant", "content": "{'score': 4}"},
                "finish_reason": "stop",
            }
            data = json.dumps({"id": "1", "object": "chat.completion", "created": 0, "model": "m", "choices": [choice]})
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data.encode())
            self.server.answered[body] += 1

        def log_message(self, *arguments):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.asked, server.answered = [], Counter()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def test_no_judgement_is_paid_twice_after_ctrl_c(slow_judge, run_file, benchmark_data, tmp_path):
    pytest.importorskip("openai")
    command = [
        sys.executable, "-m", "qevd_bio", "score", "--preds", str(run_file), "--data", str(benchmark_data), "--workspace",
        str(tmp_path / "ws"), "--metrics", "llm_acc", "--judge", "m", "--judge-url",
        f"http://127.0.0.1:{slow_judge.server_port}/v1",
    ]  # fmt: skip
    variables = {**os.environ, "OPENAI_API_KEY": "none"}
    for stop_after in (6, 14):
        process = subprocess.Popen(command, env=variables, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        deadline = time.monotonic() + 90
        while len(slow_judge.asked) < stop_after and time.monotonic() < deadline and process.poll() is None:
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
        assert process.returncode not in (0, 3), "Ctrl-C came too late"
        assert "Traceback" not in errors
        # Each call that was begun was answered to somebody who listened.
        assert len(slow_judge.asked) == sum(slow_judge.answered.values()) >= stop_after
    done = subprocess.run(command, env=variables, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert set(slow_judge.answered.values()) == {1}
