"""A Dask cluster that computes frames: a task for each file, and a tree of merges, both scheduled by Dask."""

import logging
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from queue import Empty, SimpleQueue
from typing import Any, TypeVar

import dask.bag
from distributed import Client, KilledWorker, LocalCluster
from distributed.client import Future, FutureCancelledError
from distributed.comm.addressing import parse_address, parse_host_port
from distributed.comm.core import CommClosedError
from distributed.comm.registry import get_backend

from ..errors import UsageError, UserError
from .worker_facts import differing, worker_facts

Part = TypeVar("Part")
LOCAL = "local"  # see `engines`
CONNECT_TIMEOUT_S = 10  # until a scheduler has answered, and has a worker
LOST_TIMEOUT_S = 30  # without any worker, or without an answer of the scheduler, during a computation
CLOSE_TIMEOUT_S = 10  # of a cluster that was started here
POLL_S = 1.0
MERGED_AT_ONCE = 8  # frames that a task merges


class _BoundedClient(Client):
    """A client that waits for no answer without end, and that no finalizer closes: this would wait, and print."""

    def sync(self, func: Any, *args: Any, callback_timeout: Any = None, **kwargs: Any) -> Any:
        return super().sync(func, *args, callback_timeout=callback_timeout or LOST_TIMEOUT_S, **kwargs)

    def __del__(self) -> None:
        pass


class DaskCluster:
    """The workers of a scheduler. Every error that its user can mend is a `UserError` that names the scheduler."""

    def __init__(self, address: str):
        """Connect to a scheduler; `local` starts a cluster on this machine. Raises `UserError` where it is away."""
        _silence_distributed()
        self.address = address
        if address != LOCAL:
            _require_address(address)
        self._started = (
            LocalCluster(dashboard_address="127.0.0.1:0", silence_logs=logging.CRITICAL) if address == LOCAL else None
        )
        try:
            self._client = self._connected()
        except BaseException:
            self._stop_started()
            raise
        try:
            self._require_workers()
        except BaseException:
            self.close()
            raise

    def run(self, function: Callable[..., Part], *arguments: Any) -> Part:
        """Call a function in a worker."""
        with self._reporting():
            return self._result(self._client.submit(function, *arguments, pure=False))

    def map(self, function: Callable[[Any], Part], items: Sequence[Any]) -> list[Part]:
        """Call a function for each item, in workers."""
        with self._reporting():
            return [self._result(future) for future in self._client.map(function, items, pure=False)]

    def reduce(
        self,
        items: Sequence[Any],
        partition: Callable[[Iterable[Any]], Part],
        merge: Callable[[Iterable[Part]], Part],
    ) -> Part:
        """What `partition` makes of each item, merged in a tree of which no task merges many."""
        bag = dask.bag.from_sequence(items, npartitions=len(items))
        with self._reporting():
            return self._result(self._client.compute(bag.reduction(partition, merge, split_every=MERGED_AT_ONCE)))

    def close(self) -> None:
        """Leave the cluster; one that was started here ends."""
        with suppress(Exception):  # a scheduler that is away, or silent, is left as it is
            self._client.close(timeout=POLL_S)
        self._stop_started()

    def _stop_started(self) -> None:
        with suppress(Exception):
            if self._started is not None:
                self._started.close(timeout=CLOSE_TIMEOUT_S)

    def _connected(self) -> Client:
        """A client; a thread waits for it, as what accepts a connection may never answer. Raises `UserError`."""
        made: SimpleQueue[Client | Exception] = SimpleQueue()

        def connect() -> None:
            try:
                made.put(_BoundedClient(self._started or self.address, timeout=CONNECT_TIMEOUT_S, set_as_default=False))
            except Exception as error:
                made.put(error)

        threading.Thread(target=connect, daemon=True).start()
        try:
            result = made.get(timeout=CONNECT_TIMEOUT_S)
        except Empty:
            result = TimeoutError()
        if isinstance(result, OSError):  # which a timeout is too
            raise UserError(
                f"no Dask scheduler answered at {self.address} within {CONNECT_TIMEOUT_S} s; start one (dask "
                "scheduler), or name another in TRACETRACK_DASK"
            )
        if isinstance(result, Exception):
            reason = (str(result) or type(result).__name__).splitlines()[0]
            raise UserError(
                f"the Dask scheduler at {self.address} cannot be used: {reason}; name one by tcp://HOST:8786, or "
                "configure this protocol in Dask"
            )
        return result

    def _require_workers(self) -> None:
        """Raise `UserError` without a worker, and for one that has other code or versions than this process."""
        try:
            self._client.wait_for_workers(1, timeout=CONNECT_TIMEOUT_S)
        except TimeoutError:
            raise UserError(
                f"the Dask scheduler at {self.address} has no worker; start one: dask worker {self.address}"
            ) from None
        with self._reporting():
            facts = self._client.run(worker_facts)
        for worker, theirs in facts.items():
            if difference := differing(theirs):
                raise UserError(
                    f"the worker {worker} of {self.address} has another {difference} than this process, so results "
                    "may differ; install the same commit and lock there"
                )

    def _result(self, future: Future) -> Any:
        """The result of a task; Dask repeats what a worker did not finish that went away.

        Raises `UserError` where no worker is left for `LOST_TIMEOUT_S`.
        """
        lost_s = 0.0
        while True:
            try:
                return future.result(timeout=POLL_S)
            except TimeoutError:
                if future.done():  # just now, or it is the task's own error
                    return future.result()
            is_lost = self._client.status != "running" or not self._client.scheduler_info(n_workers=-1)["workers"]
            lost_s = lost_s + POLL_S if is_lost else 0.0
            if lost_s >= LOST_TIMEOUT_S:
                raise UserError(
                    f"the Dask scheduler at {self.address} has had no worker for {LOST_TIMEOUT_S} s; start one: "
                    f"dask worker {self.address}"
                )

    @contextmanager
    def _reporting(self) -> Iterator[None]:
        """Report what a cluster raises in one line."""
        try:
            yield
        except KilledWorker as error:
            raise UserError(
                f"workers of {self.address} ended several times while they read one file ({error.last_worker}); see "
                "their log, and give them more memory"
            ) from None
        except (FutureCancelledError, CommClosedError, ConnectionError):
            raise UserError(
                f"the Dask scheduler at {self.address} went away during the computation; start it, and repeat the "
                "command"
            ) from None
        except TimeoutError:
            raise UserError(
                f"the Dask scheduler at {self.address} gave no answer for {LOST_TIMEOUT_S} s; see its log, start it "
                "anew, and repeat the command"
            ) from None
        except ModuleNotFoundError as error:
            raise UserError(
                f"a worker of {self.address} has no {error.name}; install this project there with its lock"
            ) from None


def _silence_distributed() -> None:
    """Print none of its lines, which repeat what an error here says; its loggers have levels of their own."""
    names = [name for name in logging.root.manager.loggerDict if name.startswith("distributed.")]
    for name in ("distributed", *names):
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)


def _require_address(address: str) -> None:
    """Raise `UsageError` for what is no address of a scheduler."""
    try:
        protocol, place = parse_address(address)
        get_backend(protocol)
        parse_host_port(place)
    except ValueError as error:
        raise UsageError(
            f"{address!r} is no address of a Dask scheduler ({error}); name one: tcp://HOST:8786"
        ) from None
