"""The closing lines of a run, from its record and its rows."""

from loadgen import run_summary


def lines(builder, run):
    """The closing lines of a run that was written to disk."""
    (recorded,) = builder.experiment(run).runs
    return run_summary.lines(recorded.directory, recorded.record)


def test_lines_have_requests_failures_by_kind_and_latency_of_successes_side_by_side(builder):
    run = builder.run()
    for row in run.rows_of("search"):
        row |= {"ok": False, "error": f"status {503 if row['user'] % 5 else 500}", "latency_us": 1}
    first, _, *table, failed = lines(builder, run)
    assert first == "latency of the successful responses, ms:"
    cells = {line.split()[0]: line.split() for line in table}
    assert cells["login"][:4] == ["login", "50", "0", "2550.0"]
    assert cells["search"][:8] == ["search", "50", "50", *["–"] * 5]
    assert " ".join(cells["search"][8:]) == "40 × status 503, 10 × status 500"
    assert failed == "50 of 150 measured requests failed: 40 × status 503, 10 × status 500"


def test_lines_of_a_run_without_failures_are_the_table_only(builder):
    shown = lines(builder, builder.run())
    assert len(shown) == 5
    assert not any("failed" in line for line in shown)


def test_lines_of_many_endpoints_and_kinds_are_shortened(builder):
    run = builder.run()
    for number, row in enumerate(run.rows):
        row |= {"endpoint": f"GET /item/{number:03}", "ok": False, "error": f"item {number:03} {'x' * 200}"}
    shown = lines(builder, run)
    assert len(shown) == 2 + run_summary.MAX_ENDPOINTS + 2
    assert shown[-2].startswith("and 125 endpoints more: python -m analysis show ")
    assert shown[-1].endswith("… and 145 kinds more")
    assert max(map(len, shown)) < 500


def test_lines_of_an_open_load_that_dropped_arrivals_have_both_times_and_the_rate(builder):
    run = builder.run("tuned", "open-20")
    counts = {"dropped": {"warmup": 0, "measure": 10}, "started_tasks": {"warmup": 3, "measure": 30}}
    run.record["generator"] |= counts
    shown = lines(builder, run)
    assert "response_p95_ms" in shown[1]
    assert all("> " in line for line in shown[2:5])
    assert shown[5] == "Requests of other phases, in no table: warmup 3"
    assert shown[6].startswith("10 of 40 arrivals were dropped, which count as slower than every latency: ")
