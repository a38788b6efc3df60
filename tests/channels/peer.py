"""A real HTTP server on a free loopback port: verifies what it is posted, and answers what the test tells it to."""

import json
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from standardwebhooks import Webhook, WebhookVerificationError

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


@dataclass
class Peer:
    """Answers come in order, then 200; each is a status, or a status with a body and headers, or a word.

    `drop` closes the connection once the request was read, `silence` keeps it open without an answer to the end.
    No answer is given before so many requests as are to come `together` have been there at once.
    """

    answers: list = field(default_factory=list)
    received: list = field(default_factory=list)
    headers: list = field(default_factory=list)
    unverified: int = 0
    connections: int = 0
    at_once: int = 0
    most_at_once: int = 0
    lock: threading.Condition = field(default_factory=threading.Condition)
    together: int = 1
    pause: float = 0.0
    port: int = 0

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}/hook"

    def wait_for(self, count):
        """Wait until so many requests have come."""
        with self.lock:
            assert self.lock.wait_for(lambda: len(self.received) >= count, timeout=60)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def setup(self):
        super().setup()
        with self.server.peer.lock:
            self.server.peer.connections += 1

    def do_POST(self):
        peer = self.server.peer
        body = self.rfile.read(int(self.headers["Content-Length"]))
        with peer.lock:
            peer.at_once += 1
            peer.most_at_once = max(peer.most_at_once, peer.at_once)
            try:
                Webhook(SECRET).verify(body, dict(self.headers))
            except WebhookVerificationError:
                peer.unverified += 1
            peer.received.append(json.loads(body))
            peer.headers.append(dict(self.headers))
            answer = peer.answers.pop(0) if peer.answers else 200
            peer.lock.notify_all()
            peer.lock.wait_for(lambda: peer.most_at_once >= peer.together, timeout=60)
        time.sleep(peer.pause)
        with peer.lock:
            peer.at_once -= 1
        self._answer(answer)

    def _answer(self, answer):
        if answer == "drop":
            self.close_connection = True
            return
        if answer == "silence":
            self.server.stopping.wait()
            self.close_connection = True
            return
        status, body, headers = (answer, b"", {}) if isinstance(answer, int) else answer
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, request, client_address):
        """Say nothing: the tests break connections on purpose."""


@contextmanager
def serving(peer, context=None):
    """Serve a peer, over TLS where there is a context for it."""
    server = _Server(("127.0.0.1", 0), _Handler)
    if context is not None:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    server.peer, server.stopping, peer.port = peer, threading.Event(), server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield peer
    finally:
        server.stopping.set()
        server.shutdown()
        thread.join()
        server.server_close()
