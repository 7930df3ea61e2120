"""The kinds of servers that an application may run on, by the setting `server`."""

SERVER_KINDS = ("sync", "gthread", "gevent", "granian")
LOOPS = ("gevent",)  # a loop accepts any number of requests, but computes for one at a time
THREADED = ("gthread", "granian")  # a worker serves as many requests at once as it has threads
