"""The kinds of servers of the application, by what limits how many requests a worker serves at once."""

LOOPS = ("gevent", "uvicorn")  # an event loop accepts any number of requests, and computes for one at a time
THREADED = ("gthread", "granian")  # a worker serves as many requests at once as it has threads
SERVER_KINDS = ("sync", *THREADED, *LOOPS)
