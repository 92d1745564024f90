"""A real HTTP server on the loopback interface that knows Range requests, and stores that read from it."""

import hashlib
import random
import re
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from orqa_shards.storage.block_cache import CHECKSUM_BYTES, BlockCache
from orqa_shards.storage.remote import RemoteStore

CONTENT = random.Random(0).randbytes(10_000)
BLOCK = 1_000


class Ranged(BaseHTTPRequestHandler):
    """Serves the files of `server.files`, whole or in parts, and notes what was asked for."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1  # head and body in one go
    disable_nagle_algorithm = True

    def do_HEAD(self):
        self.answer(body=False)

    def do_GET(self):
        self.answer(body=True)

    def answer(self, *, body):
        content = self.server.files.get(self.path.lstrip("/"))
        if isinstance(content, int) or content is None:
            self.send_error(content or 404)
            return
        part = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range", ""))
        sent = content[int(part[1]) : int(part[2]) + 1] if part and self.server.ranges else content
        if body:
            self.server.asked.append(self.path)
            self.server.gate.wait(20)
        self.send_response(206 if part and self.server.ranges else 200)
        self.send_header("Content-Length", str(len(sent)))
        if self.server.tags:
            self.send_header("ETag", hashlib.sha256(content).hexdigest())
        self.end_headers()
        if body:
            self.wfile.write(sent)

    def log_message(self, *args):
        pass


class Server(ThreadingHTTPServer):
    daemon_threads = True
    ranges = tags = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Ranged)
        self.files, self.asked, self.gate = {"a.tar": CONTENT}, [], threading.Event()
        self.gate.set()
        self.url = f"http://127.0.0.1:{self.server_port}"

    def handle_error(self, request, client_address):
        """Say nothing of readers that were killed."""


@contextmanager
def served():
    """Give a server of `a.tar` while it runs."""
    with Server() as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        yield server
        server.gate.set()
        server.shutdown()


def opened(url, folder, limit=100 * BLOCK):
    """Return the store at a URL, with small blocks in a cache of its own; limit: without their checksums."""
    return RemoteStore(url, {}, BlockCache(folder / "cache", limit + limit // BLOCK * CHECKSUM_BYTES, BLOCK))


def blocks(folder):
    """Return the blocks that the cache of `opened` holds."""
    return sorted(path for path in (folder / "cache").iterdir() if re.fullmatch(r"[0-9a-f]{32}-\d+", path.name))
