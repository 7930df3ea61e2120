"""The published figures are complete and agree with one another."""

import re

import pytest

from analysis.findings import published_report
from workbench import paths

COLUMNS = {
    "individual": ["endpoint", "mean_ms", "median_ms", "min_ms", "max_ms", "threshold_ms"],
    "load": ["users", "endpoint", "mean_ms", "success_ratio"],
    "totals": ["users", "requests", "success_ratio", "duration_s", "throughput_rps"],
    "pool": ["profile", "pool_size", "pool_max_overflow", "total", "recycle_s", "keepalives_idle_s"],
    "caches": ["endpoint", "ttl_s"],
    "pooling": ["implementation"],
    "sessions": ["storage", "threshold", "lifetime_s", "benefit"],
    "checklist": ["id", "claim"],
    "resilience": ["id", "section", "claim"],
    "recommendations": ["environment", "subject", "recommendation"],
    "memory": ["environment", "kind", "workers", "worker_connections", "outcome"],
    "next_steps": ["topic", "step"],
    "service": ["endpoint", "service_ms"],
    "workers": ["environment", "kind", "workers"],
}


@pytest.mark.parametrize("name", COLUMNS)
def test_columns_are_there_and_filled(name):
    frame = published_report.load(name)
    assert list(frame.columns) == COLUMNS[name]
    assert len(frame) > 0
    assert not frame.isna().any(axis=None)
    assert not frame.duplicated().any()


def test_every_file_is_tested_and_explained():
    assert {path.stem for path in paths.PUBLISHED.glob("*.csv")} == set(COLUMNS)
    readme = (paths.PUBLISHED / "README.md").read_text()
    assert set(re.findall(r"^\| `(\w+)\.csv`", readme, re.MULTILINE)) == set(COLUMNS)


@pytest.mark.parametrize("name", ["latency", "", "../published/load", "load.csv"])
def test_an_unknown_name_lists_the_known(name):
    with pytest.raises(ValueError, match=f"^unknown published table: {re.escape(name)}; known: caches, .*workers$"):
        published_report.load(name)


def test_totals_agree_with_the_load():
    load, totals = published_report.load("load"), published_report.load("totals").set_index("users")
    endpoints = load.groupby("users")["endpoint"].apply(set)
    assert endpoints.to_dict() == {users: {"login", "dashboard", "search"} for users in totals.index}
    assert list(totals["requests"]) == [3 * users for users in totals.index]
    assert list(totals["throughput_rps"]) == list((totals["requests"] / totals["duration_s"]).round(1))
    assert load.groupby("users")["success_ratio"].mean().to_dict() == totals["success_ratio"].to_dict()


def test_no_user_takes_longer_than_the_whole():
    together_s = published_report.load("load").groupby("users")["mean_ms"].sum() / 1000
    assert (together_s <= published_report.load("totals").set_index("users")["duration_s"]).all()


def test_individual_figures_are_in_order_and_under_the_threshold():
    frame = published_report.load("individual")
    assert list(frame["endpoint"]) == ["dashboard", "search"]
    ordered = frame[["min_ms", "median_ms", "mean_ms", "max_ms", "threshold_ms"]]
    assert (ordered.diff(axis=1).iloc[:, 1:] > 0).all(axis=None)


def test_a_pool_is_its_size_and_its_overflow():
    frame = published_report.load("pool")
    assert list(frame["profile"]) == ["local", "rds"]
    assert list(frame["total"]) == list(frame["pool_size"] + frame["pool_max_overflow"])


def test_the_checklist_has_ten_lines_with_kebab_case_ids():
    frame = published_report.load("checklist")
    assert len(frame) == 10
    assert frame["id"].is_unique
    assert frame["id"].str.fullmatch(r"[a-z]+(-[a-z]+)*").all()
    assert frame["claim"].map(str.isascii).all()
