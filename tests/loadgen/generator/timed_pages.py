"""A target that takes its time: 5 ms for a GET, 200 ms for a POST, and for /silent longer than any test."""

import time

from tests.loadgen.page_server import Pages

GET_S, POST_S = 0.005, 0.2


class TimedPages(Pages):
    def do_GET(self):
        time.sleep(600 if self.path.startswith("/silent") else GET_S)
        super().do_GET()

    def do_POST(self):
        time.sleep(POST_S)
        super().do_POST()
