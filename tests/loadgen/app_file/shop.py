"""A small shop of a user's own, its users, and its `workbench.toml`: two arms that differ in the time they take."""

import sys

SHOP = """
import json, os, sys, time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

READY_AT = time.monotonic() + float(os.environ.get("STARTS_IN", 0))
ANSWERS = {
    "/": (200, {"ok": True, "items": [1, 2]}),
    "/missing": (404, {"ok": False}),
    "/broken": (200, {"ok": False}),
}

class Shop(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        if self.path == "/health":
            self.answer(200 if time.monotonic() > READY_AT else 503, {})
            return
        time.sleep(float(os.environ.get("TAKES", 0)))
        self.answer(*ANSWERS[self.path])
    def answer(self, status, body):
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json; charset=utf-8")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)
    def log_message(self, *arguments):
        pass

ThreadingHTTPServer.request_queue_size = 64
ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Shop).serve_forever()
"""
USERS = """
from locust import FastHttpUser, task

class Customer(FastHttpUser):
    @task
    def look(self):
        self.client.get("/", name="/")
        self.client.get("/missing", name="/missing")
        self.client.get("/broken", name="/broken")
"""
FILE = f"""\
name = "Shop"
blocks = 4

[users]
locustfile = "users.py"

[arms.fast]
command = "{sys.executable} shop.py $PORT"
environment = {{ TAKES = 0, STARTS_IN = 0.3 }}
ready = "/health"
reset = "{sys.executable} -c \\"print('emptied', file=open('resets.txt', 'a'))\\""

[arms.slow]
command = "{sys.executable} shop.py $PORT"
environment = {{ TAKES = 0.05 }}
ready = "/health"

[scenarios.at-once]
load = "burst"
users = 4
passes = 3

[success."GET /missing"]
status = [404]

[success."GET /broken"]
json = {{ "/ok" = true }}

[success."*"]
content_type = "application/json"
json = {{ "/items/1" = 2 }}

[[objectives]]
id = "quick"
arm = "fast"
scenario = "at-once"
endpoint = "GET /"
metric = "p95_ms"
below = 2000

[[objectives]]
id = "too-quick"
arm = "slow"
scenario = "at-once"
endpoint = "GET /"
metric = "p95_ms"
below = 50
"""


def write(folder, text=FILE, shop=SHOP):
    """Write the shop, its users and its file into a folder; return the file's path."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "shop.py").write_text(shop)
    (folder / "users.py").write_text(USERS)
    (folder / "workbench.toml").write_text(text)
    return folder / "workbench.toml"
