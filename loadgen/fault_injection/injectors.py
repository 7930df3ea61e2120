"""The injector of each fault, by its name in `workbench.faults.KINDS`."""

from . import clock_faults, database_faults, network_faults, process_faults, storage_faults
from .injector import Injector

INJECTORS: dict[str, type[Injector]] = {
    "idle-backends-terminated": database_faults.IdleBackendsTerminated,
    "busy-backends-terminated": database_faults.BusyBackendsTerminated,
    "database-stopped": database_faults.DatabaseStopped,
    "failover": database_faults.Failover,
    "black-hole": network_faults.BlackHole,
    "black-hole-cold-pool": network_faults.BlackHoleColdPool,
    "backend-frozen": database_faults.BackendFrozen,
    "connections-used-up": database_faults.ConnectionsUsedUp,
    "bags-locked": database_faults.BagsLocked,
    "slow-statement": database_faults.SlowStatement,
    "store-away": network_faults.StoreAway,
    "store-frozen": process_faults.StoreFrozen,
    "worker-killed": process_faults.WorkerKilled,
    "worker-out-of-memory": process_faults.WorkerOutOfMemory,
    "worker-stuck": process_faults.WorkerStuck,
    "sessions-full": storage_faults.SessionsFull,
    "generator-killed": process_faults.GeneratorKilled,
    "kernel-killed": process_faults.KernelKilled,
    "recording-disk-full": storage_faults.RecordingDiskFull,
    "clock-stepped": clock_faults.ClockStepped,
}
