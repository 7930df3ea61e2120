"""A `workbench.toml`: what it declares, and one line with place and remedy for each kind of mistake."""

import pytest

from loadgen.app_file.app_file import AppFile
from loadgen.plan import comparison_plan
from workbench.errors import UsageError

USERS = """
from locust import HttpUser, task

class Reader(HttpUser):
    @task
    def index(self):
        self.client.get("/")
"""
FILE = """\
name = "My shop"
blocks = 5

[users]
locustfile = "users.py"

[arms.old]
command = "python -m http.server $PORT"
environment = { WORKERS = 2, CACHED = true }

[arms.new]
command = "python -m http.server $PORT --bind $HOST"
ready = "/health"
reset = "python -c pass"

[scenarios.burst]
load = "burst"
users = 8

[scenarios.rising]
load = "steps"
rates_rps = [5, 10.5]
step_s = 2
blocks = 4

[scenarios.limit]
load = "capacity"
of = "users"
first = 8

[success."GET /"]
status = [200]

[[objectives]]
arm = "new"
scenario = "limit"
metric = "capacity"
at_least = 10
"""


@pytest.fixture
def read(tmp_path):
    """Reads a file with this text, beside a locustfile."""
    (tmp_path / "users.py").write_text(USERS)

    def read_text(text):
        path = tmp_path / "workbench.toml"
        path.write_text(text)
        return AppFile.read(path)

    return read_text


def test_arms_have_their_start_and_the_baseline_comes_first(read, tmp_path):
    old, new = read(FILE).arms
    assert (old.name, old.kind, old.folder) == ("old", "command", str(tmp_path))
    assert old.start.environment == {"WORKERS": "2", "CACHED": "1"}
    assert (new.start.ready, new.start.reset, new.start.ready_within_s) == ("/health", "python -c pass", 30.0)
    assert [arm.name for arm in read(f'baseline = "new"\n{FILE}').arms] == ["new", "old"]


def test_plan_has_each_scenario_in_its_blocks_with_the_baseline_twice(read):
    plan = comparison_plan(read(FILE).comparison(), None, 1)
    runs = [(spec.arm, spec.scenario, spec.replicate) for spec in plan.specs if spec.block == 0]
    assert sorted(runs) == sorted(
        (arm, scenario, replicate)
        for scenario in ("burst", "rising")
        for arm, replicate in (("old", False), ("old", True), ("new", False))
    )
    assert {spec.block for spec in plan.specs if spec.scenario == "burst"} == set(range(5))
    assert {spec.block for spec in plan.specs if spec.scenario == "rising"} == set(range(4))


def test_plan_has_the_declared_loads_searches_metrics_and_the_bound(read):
    plan = comparison_plan(read(FILE.replace("first = 8", "first = 8\np95_ms = 50")).comparison(), None, 1)
    rising = next(spec for spec in plan.specs if spec.scenario == "rising").load()
    assert [(piece.duration_s, piece.to_rps) for piece in rising.rates] == [(2.0, 5.0), (2.0, 10.5)]
    assert [(search.deployment, search.family, search.first, search.p95_ms) for search in plan.searches] == [
        ("old", "sustained", 8, 50.0), ("new", "sustained", 8, 50.0),
    ]  # fmt: skip
    assert {(each.metric, each.scenario) for each in plan.primary} == {
        ("makespan_s", "burst"), ("cpu_ms", "burst"), ("p95_ms", "burst"),
        ("response_mean_ms", "rising"), ("cpu_ms", "rising"), ("response_p95_ms", "rising"),
    }  # fmt: skip


def test_record_has_the_file_its_success_and_its_objectives(read, tmp_path):
    file = read(FILE)
    record = file.comparison().record({"old": {"kind": "command"}, "new": {"kind": "command"}})
    assert record["application"] | {"commit": None} == {
        "name": "My shop", "file": str(tmp_path / "workbench.toml"), "digest": file.digest, "commit": None,
    }  # fmt: skip
    assert record["success"] == {"GET /": {"status": [200]}}
    assert record["objectives"] == [
        {"id": "capacity-new-limit", "metric": "capacity", "deployment": "new", "scenario": "sustained", "at_least": 10}
    ]


def test_digest_changes_with_the_locustfile(read, tmp_path):
    before = read(FILE).digest
    (tmp_path / "users.py").write_text(f"{USERS}\n# changed\n")
    assert AppFile.read(tmp_path / "workbench.toml").digest != before


MISTAKES = {
    "another key": ('ready = "/health"', 'redy = "/health"', 13, r'no key "redy" in \[arms.new\]; did you mean ready'),
    "a key at the top": ("blocks = 5", "bloks = 5", 2, r'no key "bloks" in the file; did you mean blocks'),
    "another load": ('load = "burst"', 'load = "brust"', 17, "is .brust.; choose one of single"),
    "a text for a number": ("users = 8", 'users = "8"', 18, 'is "8", and has to be a whole number'),
    "too small a number": ("blocks = 5", "blocks = 0", 2, "blocks is 0, and has to be at least 1"),
    "too large a number": ("users = 8", "users = 9_000_000", 18, "has to be at most 5000"),
    "a missing key": ("users = 8\n", "", 16, "lacks users, which the load burst needs"),
    "a key of another load": ("users = 8", "users = 8\nrate_rps = 4", 19, "says nothing about the load burst"),
    "a baseline that is missing": ("blocks = 5", 'baseline = "none"', 2, "no such arm; choose one of old, new"),
    "two sources": ('ready = "/health"', 'url = "http://127.0.0.1:1"', 11, "has command and url; leave all"),
    "no source": ('command = "python -m http.server $PORT --bind $HOST"', "", 11, "lacks a command, url or deployment"),
    "a name that is none": ("[arms.new]", "[arms.'n e w']", 11, '"n e w" cannot be a name'),
    "a command that is none": ('"python -m http.server $PORT"', "\"python 'x\"", 8, "read: no closing quotation"),
    "a reset that is none": ('"python -c pass"', "\"'\"", 14, "reset in .arms.new. cannot be read"),
    "a folder that is missing": ('ready = "/health"', 'folder = "nowhere"', 13, "there is no folder"),
    "a locustfile that is missing": ('"users.py"', '"none.py"', 5, "none.py cannot be read: No such file"),
    "no users at all": ('[users]\nlocustfile = "users.py"\n', "", 14, "has no users: name a locustfile in .users."),
    "an address of another kind": ('command = "python -m http.server $PORT"', 'url = "ftp://x"', 8, "not its form"),
    "a pointer that is none": ("status = [200]", 'json = { "a" = 1 }', 32, '"a" cannot be a name'),
    "an arm that is missing": ('arm = "new"', 'arm = "newer"', 35, "did you mean new?"),
    "a metric that is missing": ('metric = "capacity"', 'metric = "capacty"', 34,
     r"unknown metric 'capacty'; did you mean capacity\?$"),
    "a metric without its endpoint": ('metric = "capacity"', 'metric = "p95_ms"', 34, "has no endpoint"),
    "a table twice": ("[arms.new]", "[arms.old]", 11, r": \[arms.old\] is declared twice; give one of the two another"),
    "a quoted table twice": ('[success."GET /"]', "[[success.'GET /']]\n[success.'GET /']", 32,
     r": \[success.\"GET /\"\] is declared twice"),
    "a table of an inline one": ("[arms.new]", "[arms.old.environment]", 11, r"\[arms.old.environment\] is .* twice"),
    "a key of an inline table": ("environment = {", "environment.A = 1\nenvironment = {", 10, "has a value already"),
    "a key twice": ("blocks = 5", "blocks = 5\nblocks = 6", 3,
     ": this key has a value already; leave one of the two out"),
    "characters of a name": ("[arms.new]", "[arms.'n e w']", 11,
     "begin with a letter or digit, and have up to 40 .*, dots"),
    "an id that is none": ('metric = "capacity"', 'metric = "capacity"\nid = "a b"', 38,
     "id in .* is .a b., and has to begin with a letter or digit"),
    "a path that is none": ('ready = "/health"', 'ready = "health"', 13,
     r"ready in \[arms.new\] is .health., and has to begin with /$"),
    "a pointer without its slash": ("status = [200]", 'json = { "a" = 1 }', 32, "has to begin with /, or be empty$"),
    "true": ("blocks = 5", "blocks = true", 2, "blocks is true, and has to be a whole number$"),
    "true in a list": ("rates_rps = [5, 10.5]", "rates_rps = [[true]]", 22, r" is \[true\], and has to be a number$"),
    "a number for a pair": ("step_s = 2", "think_s = 0", 23, r"is 0, and has to be a list, such as \[1, 3\]$"),
    "half a pair": ("step_s = 2", "think_s = [1]", 23, r"is \[1\], and has to be at least 2 long, such as \[1, 3\]$"),
    "a number for a list": ("status = [200]", "status = 200", 32, r"is 200, and has to be a list: \[200\]$"),
    "two bounds": ("at_least = 10", "at_least = 10\nbelow = 5", 34, "needs one bound"),
    "an endless first load": ("first = 8", "first = 8\nmost = 4", 30, "most in .* has to be from first, which is 8"),
}  # fmt: skip


@pytest.mark.parametrize(("old", "new", "line", "message"), MISTAKES.values(), ids=MISTAKES)
def test_mistake_is_one_line_with_its_place_and_a_remedy(read, tmp_path, old, new, line, message):
    assert FILE.count(old) == 1 or old == '"users.py"'
    with pytest.raises(UsageError, match=message) as error:
        read(FILE.replace(old, new))
    assert error.value.message.startswith(f"{tmp_path / 'workbench.toml'}, line {line}: ")
    assert "\n" not in error.value.message
    assert error.value.exit_code == 2


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\n\nname = ", "line 3: this is no TOML: Invalid value"),
        (b"a = " + b"[" * 5_000, "it nests too deeply|this is no TOML"),
        (b"name = '\xff'", "is no text in UTF-8: byte 8"),
        (b"#" * 300_000, "is larger than 256 KiB"),
        (b"", "lacks the key name"),
    ],
)
def test_file_that_cannot_be_read_says_why(tmp_path, content, message):
    path = tmp_path / "workbench.toml"
    path.write_bytes(content)
    with pytest.raises(UsageError, match=message):
        AppFile.read(path)


def test_file_that_is_missing_says_how_to_write_one(tmp_path):
    with pytest.raises(UsageError, match="cannot be read: No such file"):
        AppFile.read(tmp_path / "none.toml")
    with pytest.raises(UsageError, match="cannot be read: Is a directory"):
        AppFile.read(tmp_path)


def test_secret_of_an_environment_is_in_no_record(read):
    file = read(FILE.replace("WORKERS = 2", 'API_KEY = "a-secret-of-mine", DATABASE_URL = "postgresql://u:hidden@h/d"'))
    assert file.arms[0].start.environment["API_KEY"] == "a-secret-of-mine"
    recorded = str(file.arms[0].start.record())
    assert "a-secret-of-mine" not in recorded
    assert "hidden" not in recorded
    assert "API_KEY=***" in recorded
