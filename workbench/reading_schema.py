"""Columns of the readings beside the requests: of processes, connection pools, the database server, memory, resources.

Each is a table of its own (`process.parquet`, `pool.parquet`, `database.parquet`, `memory.parquet`,
`resources.parquet`), one row a reading.
"""

import pyarrow as pa

from .columns import SINCE_START, Column

MAX_UPTIME_US = 20 * 366 * 86_400 * 10**6

_AT = Column("at_us", pa.int64(), SINCE_START, "when it was read")

PROCESS = (
    _AT,
    Column(
        "role",
        pa.string(),
        "",
        "`generator-<n>`, `server`, `database`, `store`, `pooler`, `proxy`, `upstream`, or `machine` for all processes",
    ),
    Column("processes", pa.int32(), "", "how many processes the role has"),
    # It shrinks where a process ends whose parent does not wait for it.
    Column("cpu_us", pa.int64(), "µs", "CPU time since the readings began, ended processes included", is_signed=True),
    Column("pss_bytes", pa.int64(), "bytes", "proportional set size; null in readings that leave it out"),
    Column("threads", pa.int32(), "", "threads; null in readings that leave it out"),
    Column(
        "stalled_us",
        pa.int64(),
        "µs",
        "of `machine`: time in which something waited for a core, since it started",
        limit=MAX_UPTIME_US,
    ),
    # The difference of two clocks of the kernel: it may fall by a tick.
    Column(
        "others_us",
        pa.int64(),
        "µs",
        "of `machine`: CPU time of processes that are none of the run's, since then",
        is_signed=True,
    ),
    Column("idle_us", pa.int64(), "µs", "of `machine`: idle time of its cores since the readings began"),
    Column("busy_us", pa.int64(), "µs", "of `machine`: CPU time of all processes since the readings began"),
    Column("steal_us", pa.int64(), "µs", "of `machine`: time that the hypervisor took since the readings began"),
)
_WORKER = Column("worker", pa.int16(), "", "number of the worker")
# The counters are those of `instrumentation.worker_metrics`; a worker's start sets them to 0.
_POOL_COUNTERS = (
    ("size", "", "connections that the pool keeps"),
    ("limit", "", "connections that the pool may open; 0 where there is no limit"),
    ("open", "", "open connections"),
    ("checked_out", "", "connections in use"),
    ("pending", "", "callers that have no connection yet"),
    ("most_checked_out", "", "the most connections in use so far"),
    ("most_pending", "", "the most callers without a connection so far"),
    ("acquires", "", "acquires so far"),
    ("wait_ns", "ns", "waiting for another caller's connection, sum"),
    ("longest_wait_ns", "ns", "the longest such wait"),
    ("uses", "", "connections given back so far"),
    ("use_ns", "ns", "connection hold time, sum"),
    ("longest_use_ns", "ns", "the longest connection hold time"),
    ("creates", "", "connections opened so far"),
    ("create_ns", "ns", "opening connections, sum"),
    ("create_failures", "", "connections that could not be opened"),
    ("pings", "", "pre-pings so far"),
    ("ping_ns", "ns", "pre-pings, sum"),
    ("ping_failures", "", "pre-pings that found a dead connection"),
    ("timeouts", "", "acquires that ended without a connection"),
    ("invalidations", "", "connections discarded after an error"),
    ("recycles", "", "connections replaced for their age"),
    ("long_holds", "", "connections held for over 5 s"),
)
POOL = (
    _AT,
    _WORKER,
    *(Column(name, pa.int64(), unit, meaning) for name, unit, meaning in _POOL_COUNTERS),
    # The counts of a worker that was killed while it changed them need not fit together.
    Column("idle", pa.int64(), "", "open connections that are not in use", is_signed=True),
    Column("overflow", pa.int64(), "", "open connections beyond `size`"),
    Column("server_connections", pa.int64(), "", "connections of all workers, as the database server counts them"),
)
DATABASE = (
    _AT,
    Column("source", pa.string(), "", "`activity` (a reading), `database` or `statement` (a difference over the run)"),
    Column("name", pa.string(), "", "of `activity` the state of the sessions, of `statement` its text, else `all`"),
    Column("metric", pa.string(), "", "of `activity` the wait as `type:event`, else the name of the counter"),
    Column("value", pa.float64(), "", "sessions, or the counter's difference; times in ms", is_signed=True),
)
MEMORY = (
    _AT,
    Column("process", pa.string(), "", "`master`, `worker`, or `group` for the control group of all of them"),
    Column("worker", pa.int16(), "", "number of a worker; null where it had none yet"),
    Column("pid", pa.int64(), "", "id of the process"),
    Column("pss_bytes", pa.int64(), "bytes", "proportional set size: a page that n processes share counts as 1/n"),
    Column("private_bytes", pa.int64(), "bytes", "pages that no other process has"),
    Column("shared_bytes", pa.int64(), "bytes", "pages that other processes have too, counted whole"),
    Column("anonymous_bytes", pa.int64(), "bytes", "the part of `pss_bytes` that belongs to no file; of `group` all"),
    Column("usage_bytes", pa.int64(), "bytes", "of `group`: what counts against its limit"),
)
# What no other table has; null where there is none, or where it is on another machine.
RESOURCES = (
    _AT,
    Column("application_bytes", pa.int64(), "bytes", "memory of the application's processes that belongs to no file"),
    Column("descriptors", pa.int64(), "", "open file descriptors of the application's processes, sockets included"),
    Column("sessions", pa.int64(), "", "files in the sessions' folder, or keys in the store of the run"),
    Column("store_bytes", pa.int64(), "bytes", "memory that the store of the run has in use, by its own account"),
    Column("temporary_files", pa.int64(), "", "files and folders in the application's folder for temporary files"),
    Column("log_bytes", pa.int64(), "bytes", "size of the application's log"),
    Column("backend_bytes", pa.int64(), "bytes", "memory of PostgreSQL's processes that belongs to no file or segment"),
)
READINGS = {"process": PROCESS, "pool": POOL, "database": DATABASE, "memory": MEMORY, "resources": RESOURCES}
