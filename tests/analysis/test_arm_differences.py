"""In what arms differ: variables, commits and other facts, without secrets, in a sentence that stays short."""

import pytest

from analysis.arm_differences import MAX_SHOWN, differences
from analysis.arm_wording import arms_clause
from workbench.declared_arms import DeclaredArm

COMMAND = "python app.py $PORT"
LONG = "/opt/{}/bin/python -m gunicorn --bind $HOST:$PORT --threads {} --access-logfile access.log --timeout 9 shop:app"


def arms(*facts, command=COMMAND):
    return tuple(
        DeclaredArm(f"arm-{number}", {"kind": "command", "command": command, "folder": "/srv/shop", **each})
        for number, each in enumerate(facts, 1)
    )


@pytest.mark.parametrize(
    ("first", "second", "own", "changes"),
    [
        ({"environment": "A=1 TAKES=0"}, {"environment": "A=1 TAKES=0.05"}, "TAKES=0", "TAKES 0 → 0.05"),
        ({}, {"environment": "TAKES=0.05"}, "", "TAKES not set → 0.05"),
        ({"environment": "TAKES=0"}, {}, "TAKES=0", "TAKES 0 → not set"),
        ({"environment": "OPTS=-x A=1 -y"}, {"environment": "OPTS=-x A=2 -y"}, "OPTS=-x A=1 -y",
         "OPTS -x A=1 -y → -x A=2 -y"),
        ({"environment": "TOKEN=abcdefgh"}, {"environment": "TOKEN=hgfedcba"}, "TOKEN=***", "TOKEN differs"),
        ({"environment": "DB=pg://u:abcdefgh@a/x"}, {"environment": "DB=pg://u:abcdefgh@b/x"}, "DB=pg://u:***@a/x",
         "DB pg://u:***@a/x → pg://u:***@b/x"),
        ({"commit": "a" * 40}, {"commit": "b" * 40}, "commit=aaaaaaaaaa", "commit aaaaaaaaaa → bbbbbbbbbb"),
        ({}, {"folder": "/srv/other"}, "folder=shop", "folder shop → other"),
        ({"serving": "server=sync threads=1"}, {"serving": "server=sync threads=4"}, "threads=1", "threads 1 → 4"),
    ],
)  # fmt: skip
def test_what_differs_is_named_with_both_values_and_no_secret(first, second, own, changes):
    compared = arms(first, second)
    assert differences(compared) == {"arm-1": own, "arm-2": changes}
    assert arms_clause(compared).startswith(f"arm-1 and arm-2 are {COMMAND}, arm-2 with {changes}; ")


def test_what_all_arms_have_is_no_difference():
    same = {"environment": "A=1", "commit": "a" * 40}
    assert differences(arms(same, same)) == {"arm-1": "", "arm-2": ""}
    assert arms_clause(arms(same, same)).endswith("which is the same")


def test_each_arm_is_compared_with_the_first_one():
    three = arms({"environment": "TAKES=0"}, {"environment": "TAKES=1"}, {"environment": "TAKES=0"})
    assert differences(three) == {"arm-1": "TAKES=0", "arm-2": "TAKES 0 → 1", "arm-3": ""}
    assert arms_clause(three).startswith(f"arm-1, arm-2 and arm-3 are {COMMAND}, arm-2 with TAKES 0 → 1; ")


def test_many_variables_are_counted():
    many = " ".join(f"V{number}=1" for number in range(MAX_SHOWN + 2))
    assert differences(arms({}, {"environment": many}))["arm-2"].endswith("V4 not set → 1 and 2 others")


def test_of_long_commands_the_sentence_has_the_words_that_differ():
    first, second = (arms({}, command=LONG.format("shop", number))[0] for number in (1, 16))
    pair = first, second._replace(name="arm-2")
    assert arms_clause(pair).startswith("arm-1 is python … --threads 1 …, arm-2 is python … --threads 16 …; ")
