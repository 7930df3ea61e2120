"""Arms as a user names them: what is read, and what is refused in one line."""

import pytest

from loadgen.arm_source import MAX_ARMS, ArmSource, parse_all
from workbench.errors import UsageError


def test_a_checkout_becomes_an_absolute_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert ArmSource.parse("head=checkout:.") == ArmSource("head", "checkout", str(tmp_path))
    assert ArmSource.parse("base=checkout:mit Lücke").value == str(tmp_path / "mit Lücke")


def test_a_command_keeps_its_quotes_and_the_folder_it_was_named_in(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    arm = ArmSource.parse("a=command:python -m 'my app' --bind=127.0.0.1:$PORT")
    assert (arm.kind, arm.words()) == ("command", ["python", "-m", "my app", "--bind=127.0.0.1:$PORT"])
    assert arm.folder == str(tmp_path)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("", "is no arm; it looks like"),
        ("base", "is no arm; it looks like"),
        ("base=../merge-base", "is no arm; it looks like"),
        ("base=branch:main", "is no arm; it looks like"),
        ("=checkout:.", "cannot be a name"),
        ("../x=checkout:.", "cannot be a name"),
        ("two words=checkout:.", "cannot be a name"),
        (f"{'x' * 41}=checkout:.", "cannot be a name"),
        ("tuned=checkout:.", "tuned is the name of a deployment"),
        ("a=checkout:", "names no checkout"),
        ("a=checkout:~no-such-user/project", "its folder cannot be found: Could not determine home"),
        ("a=command:  ", "names no command"),
        ("a=command:python 'x", "its command cannot be read: no closing quotation"),
        ("a=command:''", "names no program"),
        ("a=deployment:", "names no deployment"),
        ("a=deployment:tunde", "no deployment 'tunde'"),
        ("tuned=deployment:as-measured", "tuned is the name of a deployment"),
        ("a=url:nonsense", "is no target"),
        ("a=url:http://[", "is no target"),
        ("a=url:ws://127.0.0.1:80", "begins with http:// or https://"),
    ],
)
def test_what_is_no_arm_is_refused_in_one_line(given, message):
    with pytest.raises(UsageError, match=message) as error:
        ArmSource.parse(given)
    assert "\n" not in error.value.message


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (["a=url:http://127.0.0.1:1"], "one arm compares nothing"),
        (["a=command:x", "a=command:y"], "two arms have the name a"),
        (["a=checkout:.", "b=url:http://127.0.0.1:1"], "compare checkouts with checkouts"),
        (["a=checkout:.", "b=deployment:tuned"], "compare checkouts with checkouts"),
        (["a=deployment:tuned", "b=command:serve"], "deployments with deployments"),
        ([f"a{number}=command:x" for number in range(MAX_ARMS + 1)], "too many"),
    ],
)
def test_arms_that_cannot_be_compared_are_refused(given, message):
    with pytest.raises(UsageError, match=message):
        parse_all(given)


def test_a_secret_in_an_option_is_not_repeated():
    with pytest.raises(UsageError) as error:
        ArmSource.parse("x y=url:http://user:correct-horse@127.0.0.1:1")
    assert "correct-horse" not in error.value.message


def test_a_deployment_may_have_its_own_name():
    assert ArmSource.parse("tuned=deployment:tuned") == ArmSource("tuned", "deployment", "tuned")


def test_with_an_objective_one_arm_is_enough():
    (arm,) = parse_all(["a=url:http://127.0.0.1:1"], has_objective=True)
    assert arm.name == "a"
