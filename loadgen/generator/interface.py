"""Words between a process of the generator and the parent that starts it."""

# Files in the run's directory in which the process leaves the reason why it ended.
ABORTED = "generator-error.txt"  # the load was given up
REFUSED = "generator-refusal.txt"  # the load was not begun: a scenario cannot keep what the locustfile means
# The instant at which the users were released (monotonic ns), for the timetable of faults; only where there are some.
RELEASED = "generator-released"

# Variables of a load that several hosts make: set for its master and workers, and the clock of a worker's host.
HOSTS = "TRACETRACK_HOSTS"
OFFSET = "TRACETRACK_CLOCK_OFFSET_NS"

REHEARSAL = "TRACETRACK_REHEARSAL"  # set for a process that ends when it has looked at the locustfile
INSECURE = "insecure"  # of TRACETRACK_TLS: certificates are not checked
IN_FLIGHT = b"in_flight"  # the key of the requests in flight, in the metadata of a batch of rows
