"""In what arms differ beside their command or address: variables, commit, folder, serving, what resets them."""

import re
from collections.abc import Mapping, Sequence
from pathlib import PurePath
from typing import Any

from workbench.declared_arms import CHECKOUT, COMMAND, DeclaredArm
from workbench.redaction import redacted
from workbench.text_cleaning import ELLIPSIS, Target, cleaned

COMMIT_CHARACTERS = 10
MAX_VALUE_CHARACTERS, MAX_COMMAND_CHARACTERS = 60, 80
MAX_SHOWN = 5  # facts of an arm
VARIABLE = re.compile(r"(?:^| )([A-Za-z_]\w*)=")
NOT_SET = "not set"
FOLDER = "folder"
FACTS = ("database", "ready", "reset")  # of an arm, each a text, as a file names them


def differences(arms: Sequence[DeclaredArm]) -> dict[str, str]:
    """By arm: `TAKES=0` of the first one, where another one has another value, and `TAKES 0 → 0.05` of that one."""
    baseline, *others = (_facts(arm.source) for arm in arms)
    names = dict.fromkeys(name for facts in (baseline, *others) for name in facts)
    changed = [[name for name in names if facts.get(name) != baseline.get(name)] for facts in others]
    differing = {name for each in changed for name in each}
    own = [f"{name}={_value(name, fact)}" for name, fact in baseline.items() if name in differing]
    texts = [own, *([_change(name, baseline, facts) for name in each]
                    for each, facts in zip(changed, others, strict=True))]  # fmt: skip
    return {arm.name: _bounded(entries) for arm, entries in zip(arms, texts, strict=True)}


def _change(name: str, before: Mapping[str, str], after: Mapping[str, str]) -> str:
    """`TAKES 0 → 0.05`; of what looks the same without its secrets and folders only that it differs."""
    first, last = (_value(name, facts[name]) if name in facts else NOT_SET for facts in (before, after))
    return f"{name} differs" if first == last else f"{name} {first} → {last}"


def _bounded(entries: Sequence[str]) -> str:
    """The entries in a line; those beyond the first ones are counted."""
    more = len(entries) - MAX_SHOWN
    return ", ".join(entries[:MAX_SHOWN]) + (f" and {more} other{'s' if more > 1 else ''}" if more > 0 else "")


def _value(name: str, value: str) -> str:
    """A value as it can be shown: without what its name or its look makes a secret."""
    _, _, shown = redacted(f"{name}={value}").partition("=")
    return cleaned(shown or "empty", Target.LINE, MAX_VALUE_CHARACTERS)


def _facts(source: Mapping[str, Any]) -> dict[str, str]:
    """The facts of an arm by name, variables by their own. The commit of a checkout is what it is, so no difference."""
    facts = {name: str(source[name]) for name in FACTS if source.get(name)}
    if source["kind"] != CHECKOUT:
        facts["commit"] = str(source.get("commit") or "")[:COMMIT_CHARACTERS]
        facts[FOLDER] = PurePath(str(source.get(FOLDER) or "")).name
    facts |= dict(setting.split("=", 1) for setting in str(source.get("serving") or "").split() if "=" in setting)
    return {**_variables(str(source.get("environment") or "")), **{name: fact for name, fact in facts.items() if fact}}


def _variables(text: str) -> dict[str, str]:
    """The variables of `A=1 B=2`. Their names are sorted: one that is out of its order is within a value."""
    starts: list[re.Match[str]] = []
    for match in VARIABLE.finditer(text):
        if not starts or match[1] > starts[-1][1]:
            starts.append(match)
    ends = [*(match.start() for match in starts[1:]), len(text)]
    return {match[1]: text[match.end() : end] for match, end in zip(starts, ends, strict=True)} if starts else {}


def short_commands(arms: Sequence[DeclaredArm]) -> dict[str, str]:
    """A short text by command: long ones that differ have the words in which they do, `gunicorn … --threads 4 …`."""
    commands = list(dict.fromkeys(str(arm.source[COMMAND]) for arm in arms if arm.source.get(COMMAND)))
    if len(commands) < 2 or all(len(command) <= MAX_COMMAND_CHARACTERS for command in commands):
        return {command: _cut(command) for command in commands}
    words = [command.split() for command in commands]
    least = min(map(len, words))
    before = _shared(words)
    after = min(_shared([each[::-1] for each in words]), least - before)
    return {command: _cut(_middle(each, before, after)) for command, each in zip(commands, words, strict=True)}


def _shared(lists: Sequence[Sequence[str]]) -> int:
    """How many words all of the lists begin with."""
    columns = list(zip(*lists, strict=False))
    return next((place for place, column in enumerate(columns) if len(set(column)) > 1), len(columns))


def _middle(words: Sequence[str], before: int, after: int) -> str:
    """The program, and the words that differ behind the one before them, which names the option."""
    begin, end = max(before - 1, 1), len(words) - after
    if before == 0:
        return " ".join(words)
    left_out, rest = [ELLIPSIS] * (begin > 1), [ELLIPSIS] * (after > 0)
    return " ".join([PurePath(words[0]).name, *left_out, *words[begin:end], *rest])


def _cut(command: str) -> str:
    return cleaned(redacted(command), Target.LINE, MAX_COMMAND_CHARACTERS)
