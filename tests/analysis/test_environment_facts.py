"""The facts of an experiment beside its deployments, and their changes."""

import pytest

from analysis import environment_facts
from analysis.environment_facts import FactChange, changes, facts_of, fences

OLD = {
    "processor": "a",
    "kernel": "6.1",
    "Python": "3.11.7",
    "package Flask": "3.1.1",
    "commit": "0123",
    "scale": "small",
}


@pytest.fixture
def experiment(builder):
    """An experiment of one start, which has no rows; `environment` are fields of its record."""

    def experiment(**environment):
        run = builder.run("as-advised-at-default", "start")
        run.record["environment"] = run.record["environment"] | environment
        return builder.experiment(run, name=f"made-{len(list(builder.runs.glob('*')))}")

    return experiment


def test_facts_are_texts_and_leave_out_what_is_not_known(experiment):
    facts = facts_of(experiment(python=None, packages={"Flask": "3.1.1"}, shared_machine=True))
    assert (facts["number of cores"], facts["memory"], facts["package Flask"]) == ("1", "8.0 GiB", "3.1.1")
    assert (facts["commit"], facts["local changes"], facts["disturbances"]) == ("0123456789", "none", "recorded only")
    assert (facts["scale"], facts["seed of the data"], facts["PostgreSQL"]) == ("small", "20251014", "18.6")
    assert "Python" not in facts
    assert all(isinstance(value, str) for value in facts.values())


def test_a_kernel_that_reserves_some_kib_more_is_no_other_machine(experiment):
    sides = [facts_of(experiment(memory_bytes=size)) for size in (2**33, 2**33 - 40_000, 2**34)]
    assert changes(sides[0], sides[1]) == []
    assert [change.name for change in changes(sides[0], sides[2])] == ["memory"]


def test_the_load_of_the_headline_is_a_fact_without_its_description(builder):
    sides = []
    for users, description in ((50, "one"), (50, "two"), (49, "one")):
        run = builder.run()
        run.record["scenario"] = run.record["scenario"] | {"users": users, "description": description}
        sides.append(facts_of(builder.experiment(run, name=f"{users}-{description}")))
    assert changes(sides[0], sides[1]) == []
    assert changes(sides[0], sides[2]) == [FactChange("load burst-50: users", "50", "49")]


@pytest.mark.parametrize(
    ("name", "kind", "is_decisive", "is_fence"),
    [
        ("processor", "machine", True, True),
        ("kernel", "machine", False, True),
        ("package Flask", "versions", False, True),
        ("scale", "data", True, True),
        ("commit", "code", False, False),
    ],
)
def test_a_change_has_a_kind_and_may_decide_against_a_comparison(name, kind, is_decisive, is_fence):
    new = OLD | {name: "another"}
    (change,) = changes(OLD, new)
    assert (change.kind, change.is_decisive, str(change)) == (kind, is_decisive, f"{name} {OLD[name]} → another")
    assert bool(fences(OLD, new)) == is_fence


def test_a_fact_that_one_side_lacks_is_no_change():
    assert changes(OLD, {name: OLD[name] for name in ("processor", "commit")}) == []
    assert changes({}, OLD) == []


def test_a_method_fact_of_a_later_version_is_a_fence():
    assert environment_facts.kind_of("a fact to come") == "method"
