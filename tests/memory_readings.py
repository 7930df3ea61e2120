"""The memory of runs whose costs are known: master 40 MiB, a worker 45, 1 of growth, 100 KiB a connection."""

MIB, KIB = 2**20, 2**10
MASTER, WORKER, GROWTH, CONNECTION, KERNEL = 40 * MIB, 45 * MIB, 1 * MIB, 100 * KIB, MIB // 2
SCRYPT_BYTES = 32 * MIB


def with_memory(run, limit_mib=0, kills=0, peak_mib=None, enforced=True, connections=range(1, 100)):
    """Give a built run its memory: readings before and after its load, and the entry of its record."""
    settings = run.record["deployment"]["settings"]
    opened = dict(zip(range(settings["workers"]), connections, strict=False))
    run.memory = [
        *_reading(1_000_000, dict.fromkeys(opened, WORKER)),
        *_reading(9_000_000, {worker: WORKER + GROWTH + number * CONNECTION for worker, number in opened.items()}),
    ]
    for row in run.pool:
        row["open"] = opened[row["worker"]]
    settings["memory_limit_mib"] = limit_mib
    run.record["memory"] = {
        "limit_mib": limit_mib, "enforced": enforced and bool(limit_mib), "oom_kills": kills if enforced else None,
        "peak_bytes": peak_mib and peak_mib * MIB if enforced else None, "peak_pss_bytes": peak_mib and peak_mib * MIB,
        "over_limit": None if enforced else bool(peak_mib and peak_mib > limit_mib), "log_reports": kills, "log": [],
        "hash_bytes": SCRYPT_BYTES,
        "kills": [
            {
                "at_us": 3_000_000, "process": "worker", "worker": number, "pid": 100 + number, "in_flight": 40,
                "users": 40,
            }
            for number in range(kills)
        ],
    }  # fmt: skip
    return run


def _reading(at_us, workers):
    processes = [("master", None, MASTER), *(("worker", number, size) for number, size in workers.items())]
    total = sum(size for _, _, size in processes)
    return [
        {"at_us": at_us, "process": process, "worker": worker, "pid": 50 + n, "pss_bytes": size + MIB,
         "private_bytes": size, "shared_bytes": 2 * MIB, "anonymous_bytes": size}
        for n, (process, worker, size) in enumerate(processes)
    ] + [{"at_us": at_us, "process": "group", "anonymous_bytes": total,
          "usage_bytes": total + KERNEL * len(processes)}]  # fmt: skip
