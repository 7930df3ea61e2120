"""Time and memory that the import of a million results takes, by format, and how they grow with their number."""

import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median

from workbench.paths import REPOSITORY

ROWS, MORE_ROWS, REPEATS = 1_000_000, 4_000_000, 3
START_MS = 1_767_225_600_000  # 2026-01-01
MEASURED = (
    "import resource, sys; from analysis.__main__ import main; main(sys.argv[1:], standalone_mode=False); "
    "used = resource.getrusage(resource.RUSAGE_SELF); "
    "print(used.ru_utime + used.ru_stime, used.ru_maxrss // 1024, file=sys.stderr)"
)
JTL_HEADER = (
    "timeStamp,elapsed,label,responseCode,responseMessage,threadName,dataType,success,failureMessage,bytes,sentBytes,"
    "grpThreads,allThreads,URL,Latency,IdleTime,Connect\n"
)


def main() -> None:
    """Print seconds and peak memory of the import of each format."""
    print(f"import: of {ROWS:,} results, by the whole command (median of {REPEATS}):")
    with tempfile.TemporaryDirectory() as folder:
        for name, lines in FORMATS.items():
            _print(name, Path(folder), lines, ROWS)
        _print("jmeter-csv", Path(folder), _jtl_csv, MORE_ROWS)


def _print(name: str, folder: Path, lines: Callable[[int], Iterator[str]], rows: int) -> None:
    path = folder / f"{name}-{rows}"
    with path.open("w") as file:
        file.writelines(lines(rows))
    taken = [_import(path, folder, f"{name}-{repeat}-{rows}") for repeat in range(REPEATS)]
    seconds, cpu_s, peak_mib = (median(each[place] for each in taken) for place in range(3))
    size_mib = path.stat().st_size / 2**20
    used = f"{seconds:5.1f} s ({cpu_s:.1f} s of CPU), peak {peak_mib:,.0f} MiB"
    print(f"  {name:<12} {rows:>9,} results ({size_mib:,.0f} MiB): {used}", flush=True)
    path.unlink()


def _import(path: Path, folder: Path, name: str) -> tuple[float, float, float]:
    """The seconds, those of CPU, and the peak memory (MiB) of a command of its own that imports a file."""
    arguments = ["import", "--arm", f"arm={path}", "--experiment", name]
    start_s = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", MEASURED, *arguments],
        cwd=REPOSITORY, env={**os.environ, "TRACETRACK_DATA_DIR": str(folder / "data")},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    cpu_s, peak_mib = map(float, done.stderr.split()[-2:])
    return time.perf_counter() - start_s, cpu_s, peak_mib


def _samples(rows: int) -> Iterator[tuple[int, int, int]]:
    """Yield number, send and elapsed time (ms) of samples at a thousand a second."""
    drawn = random.Random(1)
    for number in range(rows):
        yield number, START_MS + number, 1 + int(drawn.expovariate(1 / 40))


def _jtl_csv(rows: int) -> Iterator[str]:
    yield JTL_HEADER
    for number, at_ms, ms in _samples(rows):
        yield (
            f"{at_ms},{ms},GET /items/{number % 20},200,OK,Thread Group 1-{number % 50},text,true,,{500 + ms},120,50,"
            f"50,http://localhost/items/{number % 20},{ms},0,1\n"
        )


def _jtl_xml(rows: int) -> Iterator[str]:
    yield '<?xml version="1.0" encoding="UTF-8"?>\n<testResults version="1.2">\n'
    for number, at_ms, ms in _samples(rows):
        yield (
            f'<httpSample t="{ms}" lt="{ms}" ts="{at_ms}" s="true" lb="GET /items/{number % 20}" rc="200" rm="OK" '
            f'tn="Thread Group 1-{number % 50}" by="{500 + ms}"/>\n'
        )
    yield "</testResults>\n"


def _k6_csv(rows: int) -> Iterator[str]:
    yield "metric_name,timestamp,metric_value,check,error,error_code,expected_response,group,method,name,status\n"
    for number, at_ms, ms in _samples(rows):
        yield f"http_req_duration,{at_ms // 1000},{ms}.125,,,,true,,GET,/items/{number % 20},200\n"


def _utc(at_ms: int) -> str:
    """An instant of the first day, in ISO 8601."""
    second, milliseconds = divmod(at_ms - START_MS, 1000)
    return f"2026-01-01T{second // 3600:02d}:{second // 60 % 60:02d}:{second % 60:02d}.{milliseconds:03d}Z"


def _k6_json(rows: int) -> Iterator[str]:
    for number, at_ms, ms in _samples(rows):
        yield (
            f'{{"metric":"http_req_duration","type":"Point","data":{{"time":"{_utc(at_ms)}","value":{ms}.125,"tags":{{'
            f'"expected_response":"true","method":"GET","name":"/items/{number % 20}","status":"200"}}}}}}\n'
        )


def _gatling(rows: int) -> Iterator[str]:
    yield f"RUN\tSimulation\tsimulation\t{START_MS}\t \t3.9.5\n"
    for number, at_ms, ms in _samples(rows):
        yield f"REQUEST\t\titem {number % 20}\t{at_ms}\t{at_ms + ms}\tOK\t \n"


def _vegeta_json(rows: int) -> Iterator[str]:
    for number, at_ms, ms in _samples(rows):
        yield (
            f'{{"attack":"","seq":{number},"code":200,"timestamp":"{_utc(at_ms)}","latency":{ms}000000,"bytes_out":0,'
            f'"bytes_in":500,"error":"","body":null,"method":"GET","url":"http://localhost/items/{number % 20}"}}\n'
        )


FORMATS = {
    "jmeter-csv": _jtl_csv, "jmeter-xml": _jtl_xml, "k6-csv": _k6_csv, "k6-json": _k6_json, "gatling": _gatling,
    "vegeta-json": _vegeta_json,
}  # fmt: skip
