"""A load that several hosts make: the channel between a run and the workers that join it from elsewhere.

`python -m loadgen run --hosts N` waits for N workers, `python -m loadgen worker` is one. Locust's own master and
workers make the load. What is here brings each worker its load, relates its clock to the run's, brings its rows to the
run while it goes on, and notices when it is lost. docs/DISTRIBUTED.md says how to use it.
"""
