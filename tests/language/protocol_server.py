"""A small OpenAI-compatible server on loopback, in its own process, with latency, a limit and faults on demand.

It counts what it received and what it answered, by the hash of the request's body. Run as a script; the first line of
its output is its port. GET /stats gives the counts, POST /hold makes it stop answering (for kill tests).
"""

import argparse
import asyncio
import hashlib
import json
import random
from collections import Counter

CONTENT_FAULTS = ("half_reply", "prose", "wrong_types", "unknown_joints", "empty", "refusal")
WIRE_FAULTS = ("429", "429_after", "500", "503", "hang", "cut", "half_json")
FAULTS = (*WIRE_FAULTS, *CONTENT_FAULTS)
ODD = ("html", "error_body", "quota_body", "redirect", "long_wait")


def _message(completion):
    return completion["choices"][0]["message"]


# Good answers in other dress.
DRESSES = {
    "parts": lambda c: _message(c).update(content=[{"type": "text", "text": _message(c)["content"]}]),
    "output_text": lambda c: _message(c).update(
        content=[{"type": "reasoning", "summary": "hm"}, {"type": "output_text", "text": _message(c)["content"]}]
    ),
    "one_part": lambda c: _message(c).update(content={"type": "text", "text": _message(c)["content"]}),
    "strings": lambda c: _message(c).update(content=[_message(c)["content"][:3], _message(c)["content"][3:]]),
    "legacy": lambda c: c["choices"][0].update(message=None, text=_message(c)["content"]),
    "bare_message": lambda c: c["choices"][0].update(message=_message(c)["content"]),
    "no_usage": lambda c: c.pop("usage"),
    "null_usage": lambda c: c.update(usage=None),
    "list_usage": lambda c: c.update(usage=[1, 2]),
    "words_usage": lambda c: c.update(usage={"prompt_tokens": "many", "completion_tokens": -5}),
    "other_usage": lambda c: c.update(usage={"input_tokens": "100", "output_tokens": 10.0}),
    "no_finish": lambda c: c["choices"][0].pop("finish_reason"),
    "unknown": lambda c: _message(c).update(content={"blob": 7}),
}
JOINTS = ("hip_r", "hip_l", "knee_r", "knee_l", "ankle_r", "ankle_l", "lumbar", "thorax")


def answer(kind, body):
    """A sound answer that depends on the question alone, so that two runs can be compared."""
    first = next(m for m in body["messages"] if m["role"] == "user")
    digest = hashlib.sha256(json.dumps(first["content"], sort_keys=True).encode()).digest()
    if kind == "joints":
        chosen = [joint for joint, byte in zip(JOINTS, digest, strict=False) if byte % 2] or ["hip_r"]
        return json.dumps({"joints": chosen, "reasons": dict.fromkeys(chosen, "seen")})
    if kind == "roles":
        return json.dumps({"dynamic": [j for j, b in zip(JOINTS, digest, strict=False) if b % 2]})
    if kind == "intent":
        return json.dumps({"intent": ("corrective", "motivational")[digest[0] % 2]})
    return json.dumps({"value": digest[0]})


class Server:
    def __init__(self, options):
        self.options = options
        self.random = random.Random(options.seed)
        self.received, self.answered, self.faults = Counter(), Counter(), Counter()
        self.running = self.most_running = 0
        self.calls = self.resent = 0
        self.holding, self.held = False, 0
        self.headers = []
        self.files, self.batches = {}, {}

    async def serve(self, reader, writer):
        try:
            while await self.one(reader, writer):
                pass
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def one(self, reader, writer):
        line = await reader.readline()
        if not line:
            return False
        method, path, _ = line.decode().split(" ", 2)
        headers = {}
        while (raw := await reader.readline()) not in (b"\r\n", b"\n", b""):
            name, _, value = raw.decode().partition(":")
            headers[name.strip().lower()] = value.strip()
        payload = await reader.readexactly(int(headers.get("content-length", 0)))
        self.headers.append(headers.get("authorization", ""))
        if path.endswith("/stats"):
            return self.send(writer, 200, self.stats())
        if path.endswith("/release"):
            self.options.hold_after, self.holding = 0, False
            return self.send(writer, 200, {})
        if path.endswith("/hold"):
            self.holding = True
            return self.send(writer, 200, {})
        if path.endswith("/chat/completions"):
            return await self.chat(writer, json.loads(payload), payload)
        return self.send(writer, *self.extra(method, path, headers, payload))

    async def chat(self, writer, body, payload):
        key = hashlib.sha256(payload).hexdigest()
        self.received[key] += 1
        self.resent += bool(self.answered[key])
        self.calls += 1
        number = self.calls
        if self.options.status:
            error = {"message": f"no {self.headers[-1]}", "code": self.options.code}
            return self.send(writer, self.options.status, {"error": error})
        if self.options.dress in ODD:
            return self.odd(writer, self.options.dress)
        if self.options.no_schema and "response_format" in body:
            return self.send(writer, 400, {"error": {"message": "response_format json_schema is not supported"}})
        fault = self.random.choice(self.options.faults) if self.random.random() < self.options.rate else ""
        self.faults[fault or "none"] += 1
        self.running += 1
        self.most_running = max(self.running, self.most_running)
        try:
            if self.options.limit and self.running > self.options.limit:
                return self.send(writer, 429, {"error": {"message": "too many"}}, {"Retry-After": "0.2"})
            await asyncio.sleep(self.options.latency)
            if self.holding or (self.options.hold_after and number > self.options.hold_after):
                await self.hold()
            if fault in WIRE_FAULTS:
                return await self.break_wire(writer, fault)
            self.answered[key] += 1
            return self.send(writer, 200, self.completion(body, fault))
        finally:
            self.running -= 1

    def odd(self, writer, dress):
        """Answers that are no completion."""
        if dress == "html":
            return self.send(writer, 200, "<html><script>alert(1)</script><body>Please <b>log in</b></body></html>")
        if dress == "error_body":
            return self.send(writer, 200, {"error": {"message": "the model is loading"}})
        if dress == "quota_body":
            return self.send(writer, 200, {"error": {"message": "no credit", "code": 402}})
        if dress == "redirect":
            there = {"Location": f"http://localhost:{self.options.elsewhere}/v1/chat/completions"}
            return self.send(writer, 307, {}, there)
        return self.send(writer, 429, {"error": {"message": "come back"}}, {"Retry-After": "86400"})

    async def hold(self):
        self.held += 1
        try:
            await asyncio.sleep(3600)
        finally:
            self.held -= 1

    async def break_wire(self, writer, fault):
        if fault in ("429", "500", "503"):
            return self.send(writer, int(fault), {"error": {"message": "trouble"}})
        if fault == "429_after":
            return self.send(writer, 429, {"error": {"message": "slow down"}}, {"Retry-After": "0.05"})
        if fault == "hang":
            await asyncio.sleep(3600)
        if fault == "half_json":
            raw = b'{"id": "x", "choices": [{"mess'
            writer.write(
                b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(raw) + raw
            )
            return True
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 5000\r\n\r\n{")
        writer.transport.abort()
        return False

    def completion(self, body, fault):
        good = answer(self.options.answer, body)
        texts = {
            "": good,
            "half_reply": good[: len(good) // 2],
            "prose": f"Sure! Here is what I see:\n{good}\nHope this helps.",
            "wrong_types": '{"joints": 7, "reasons": [], "dynamic": "all", "intent": 3, "value": "x"}',
            "unknown_joints": '{"joints": ["left_wing"], "reasons": {}, "dynamic": ["left_wing"], "intent": "angry", "value": -1}',
            "empty": "",
            "refusal": None,
        }
        text = self.options.text if self.options.text is not None else texts[fault]
        message = {"role": "assistant", "content": text, "refusal": "I cannot help." if fault == "refusal" else None}
        completion = {
            "id": "c",
            "object": "chat.completion",
            "created": 1,
            "model": "server-model",
            "choices": [{"index": 0, "finish_reason": "stop", "message": message}],
            "usage": {"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110},
        }
        dress = DRESSES.get(self.options.dress)
        if dress is not None:
            dress(completion)
        return completion

    def extra(self, method, path, headers, payload):
        """The files and batches of the provider's batch interface."""
        path = path.split("?")[0]
        if method == "POST" and path.endswith("/files"):
            identity = f"file-{len(self.files)}"
            start = payload.index(b"{")
            self.files[identity] = payload[start : payload.rindex(b"}") + 1]
            return 200, {
                "id": identity,
                "object": "file",
                "bytes": 1,
                "created_at": 1,
                "filename": "f",
                "purpose": "batch",
                "status": "ok",
            }
        if method == "POST" and path.endswith("/batches"):
            request = json.loads(payload)
            identity = f"batch-{len(self.batches)}"
            self.batches[identity] = {"polls": 0, **request}
            return 200, self.batch(identity)
        if path.endswith("/batches"):
            return 200, {"object": "list", "data": [self.batch(i) for i in self.batches], "has_more": False}
        if "/batches/" in path:
            identity = path.rsplit("/", 1)[1]
            self.batches[identity]["polls"] += 1
            return 200, self.batch(identity)
        if path.endswith("/content"):
            return 200, self.batch_output(path.split("/")[-2])
        return 404, {"error": {"message": f"no {path}"}}

    def batch(self, identity):
        entry = self.batches[identity]
        ready = entry["polls"] >= self.options.batch_polls
        return {
            "id": identity, "object": "batch", "endpoint": entry["endpoint"], "input_file_id": entry["input_file_id"],
            "completion_window": "24h", "status": "completed" if ready else "in_progress", "created_at": 1,
            "output_file_id": f"out-{identity}" if ready else None, "metadata": entry.get("metadata"),
        }  # fmt: skip

    def batch_output(self, name):
        entry = self.batches[name.removeprefix("out-")]
        lines = []
        for line in self.files[entry["input_file_id"]].decode().splitlines():
            request = json.loads(line)
            self.calls += 1
            body = self.completion(request["body"], "")
            lines.append(
                json.dumps(
                    {"custom_id": request["custom_id"], "response": {"status_code": 200, "body": body}, "error": None}
                )
            )
        return "\n".join(lines)

    def stats(self):
        return {
            "calls": self.calls,
            "held": self.held,
            "distinct": len(self.received),
            "answered": sum(self.answered.values()),
            "answered_twice": sum(n - 1 for n in self.answered.values()),
            "received_after_answer": self.resent,
            "most_running": self.most_running,
            "faults": self.faults,
            "batches": len(self.batches),
            "authorization": sorted(set(self.headers)),
        }

    @staticmethod
    def send(writer, status, value, headers=None):
        text = isinstance(value, str)
        raw = (value if text else json.dumps(value)).encode()
        lines = [
            f"HTTP/1.1 {status} X",
            f"Content-Type: {'application/octet-stream' if text else 'application/json'}",
            f"Content-Length: {len(raw)}",
        ]
        lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
        writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + raw)
        return True


async def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--latency", type=float, default=0.0)
    parser.add_argument("--limit", type=int, default=0)
    parser.add_argument("--rate", type=float, default=0.0)
    parser.add_argument("--faults", nargs="*", default=list(FAULTS))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--answer", default="value")
    parser.add_argument("--text")
    parser.add_argument("--status", type=int, default=0)
    parser.add_argument("--code", default="")
    parser.add_argument("--dress", default="")
    parser.add_argument("--elsewhere", type=int, default=0)
    parser.add_argument("--no-schema", action="store_true")
    parser.add_argument("--hold-after", type=int, default=0)
    parser.add_argument("--batch-polls", type=int, default=1)
    server = Server(parser.parse_args())
    listener = await asyncio.start_server(server.serve, "127.0.0.1", 0, backlog=512)
    print(listener.sockets[0].getsockname()[1], flush=True)
    async with listener:
        await listener.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
