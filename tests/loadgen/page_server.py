"""A small web server, and a locustfile for it: an application that the workbench knows nothing about."""

import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

LOCUSTFILE = """
from locust import FastHttpUser, HttpUser, task

class Fast(FastHttpUser):
    @task
    def look(self):
        self.client.get("/page")

class Slow(HttpUser):
    @task
    def look(self):
        self.client.get("/missing", name="missing")
"""
# A program that listens on `PORT`, and answers each request after as many seconds as its argument says.
SLOW_PROGRAM = """
import os, sys, time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
class Pages(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        time.sleep(float(sys.argv[1]))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()
ThreadingHTTPServer.request_queue_size = 64  # a full queue costs a second
ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Pages).serve_forever()
"""
LOGIN_PAGE = b"<html><form action=/login></form></html>"


class Pages(BaseHTTPRequestHandler):
    """Answers every request with a login page, and `/missing` with 404."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.answer(404 if self.path == "/missing" else 200)

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.answer(200)

    def answer(self, status):
        self.send_response(status)
        self.send_header("Content-Length", str(len(LOGIN_PAGE)))
        self.end_headers()
        self.wfile.write(LOGIN_PAGE)

    def log_message(self, *arguments):
        pass


@contextmanager
def listening(handler):
    """Serve on a free port during the block; yields the URL."""
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()
