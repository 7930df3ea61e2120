"""The text of the locustfile of a draft: a user class with a task for each endpoint.

All that comes from a document or a recording is in literals, or in comments of one line.
"""

from collections.abc import Iterator, Sequence

from workbench.text_cleaning import Target, cleaned

from . import python_text
from .draft_request import Draft, DraftRequest, Variable
from .python_text import Expressions, literal

MAX_COMMENT_CHARACTERS, MAX_LINE = 110, 116  # a commented line is longer by its number sign
USER_CLASS = "Visitor"
THINK_S = "between(1, 3)"


def text(draft: Draft) -> str:
    """The content of the file."""
    return Locustfile(draft).text()


class Locustfile:
    """A locustfile that is being written: constants of the module, then the user class."""

    def __init__(self, draft: Draft):
        self._draft = draft
        self._named = _named(draft.requests)
        self._headers = {request.headers: "" for request in self._sent() if request.headers}
        for number, headers in enumerate(self._headers, start=1):
            self._headers[headers] = "HEADERS" if number == 1 else f"HEADERS_{number}"

    def text(self) -> str:
        """The content of the file."""
        blocks = ["\n".join(self._introduction()), "\n".join(self._imports()), *self._constants()]
        return "\n\n".join(block.rstrip("\n") for block in blocks) + "\n\n\n" + "\n".join(self._class()) + "\n"

    def _sent(self) -> list[DraftRequest]:
        """The requests that are sent."""
        return ([self._draft.sign_in] if self._draft.sign_in else []) + self._draft.active()

    def _introduction(self) -> list[str]:
        name, source = (python_text.escaped(_comment(each)) for each in (self._draft.name, self._draft.source))
        return [
            f'"""Users of {name}.',
            "",
            f"`python -m loadgen init` wrote this file from {source}.",
            "It is yours to change: one task for each endpoint, more often where its number is larger.",
            '"""',
        ]

    def _imports(self) -> Iterator[str]:
        requests = [*self._sent(), *self._draft.requests]
        has_variables = any(True for request in requests for _ in request.variables())
        has_choice = self._draft.pauses_s or any(len(request.urls) > 1 for request in self._draft.active())
        has_quote = any(isinstance(part, Variable) for request in requests for url in request.urls for part in url)
        yield from ["import os"] * has_variables + ["import random"] * bool(has_choice)
        yield from ["from urllib.parse import quote"] * has_quote
        if has_variables or has_choice or has_quote:
            yield ""
        names = ["FastHttpUser"] + ["between"] * (not self._draft.pauses_s) + ["task"]
        yield f"from locust import {', '.join(names)}"

    def _constants(self) -> Iterator[str]:
        """The blocks before the class."""
        if variables := self._draft.variables():
            yield "\n".join(_secrets(variables))
        if pauses := self._draft.pauses_s:
            yield f"# Recorded pauses between two requests, in seconds.\nPAUSES_S = {_tuple(map(repr, pauses))}"
        for headers, name in self._headers.items():
            yield f"{name} = {Expressions().headers(headers)}"
        for request, name in self._named:
            if len(request.urls) > 1 and self._draft.is_active(request):
                lines = "".join(f"    {Expressions().url(url)},\n" for url in request.urls)
                yield f"# {_comment(request.endpoint)}: each request draws one of them.\n{name.upper()} = (\n{lines})"

    def _class(self) -> Iterator[str]:
        yield f"class {USER_CLASS}(FastHttpUser):"
        yield f'    """A user of {python_text.escaped(_comment(self._draft.name))}."""'
        yield ""
        if self._draft.pauses_s:
            yield from [
                "    def wait_time(self):",
                '        """A pause, in seconds."""',
                "        return random.choice(PAUSES_S)",
            ]
        else:
            yield f"    wait_time = {THINK_S}"
        if sign_in := self._draft.sign_in:
            yield from ["", "    def on_start(self):", '        """Sign in, once for each user."""']
            yield from self._call(sign_in, "sign_in", inline=False)
        for request, name in self._named:
            yield ""
            yield from self._task(request, name) if self._draft.is_active(request) else self._commented(request, name)

    def _task(self, request: DraftRequest, name: str, *, inline: bool = False) -> list[str]:
        return [
            f"    @task({request.weight})" if request.weight > 1 else "    @task",
            f"    def {name}(self):",
            f'        """{python_text.escaped(_comment(request.endpoint))}"""',
            *self._call(request, name, inline=inline),
        ]

    def _commented(self, request: DraftRequest, name: str) -> Iterator[str]:
        """The task as a comment, with what has to be done before it is one."""
        reasons = [
            *["Machines ask for it, and no user does."] * request.is_of_machines,
            *["It may change data."] * (not request.is_safe and not self._draft.has_unsafe),
            *request.gaps,
        ]
        yield f"    # {_comment(request.endpoint)} is not sent."
        yield from (f"    # {_comment(reason)}" for reason in reasons)
        yield "    # To send it, take the number signs away from the lines that follow."
        yield from (f"    # {line[4:]}" for line in self._task(request, name, inline=True))

    def _call(self, request: DraftRequest, name: str, *, inline: bool) -> list[str]:
        """The call of Locust's client, with an argument a line where one line is too short."""
        arguments = self._arguments(request, name, inline=inline)
        call = f"        self.client.{request.method.lower()}("
        line = f"{call}{', '.join(arguments)})"
        return [line] if len(line) <= MAX_LINE else [call, *(f"            {each}," for each in arguments), "        )"]

    def _arguments(self, request: DraftRequest, name: str, *, inline: bool) -> list[str]:
        expressions = Expressions(inline=inline)
        is_drawn = len(request.urls) > 1 and not inline
        arguments = [f"random.choice({name.upper()})" if is_drawn else expressions.url(request.urls[0])]
        if request.body:
            arguments.append(f"{request.body.kind}={expressions.value(request.body.content)}")
        if request.headers:
            headers = expressions.headers(request.headers) if inline else self._headers[request.headers]
            arguments.append(f"headers={headers}")
        if not request.follows_redirects:
            arguments.append("allow_redirects=False")
        return [*arguments, f"name={literal(request.name)}"]


def _secrets(variables: Sequence[Variable]) -> Iterator[str]:
    """The constants that come from the environment."""
    names = ", ".join(f'"{variable.name}"' for variable in variables)
    yield "# Secrets stand in no file: set these variables before you measure."
    yield f"if missing := {{{names}}} - {{*os.environ}}:"
    yield """    raise LookupError(f"set in the environment: {', '.join(sorted(missing))}")"""
    yield from (f'{each.name} = os.environ["{each.name}"]  # {_comment(each.purpose)}' for each in variables)


def _named(requests: Sequence[DraftRequest]) -> list[tuple[DraftRequest, str]]:
    """Each request with the name of its task, which no other has."""
    taken: set[str] = set()
    named = []
    for request in requests:
        stem = f"{request.method.lower()}_{python_text.name(request.name)}".rstrip("_")
        name, number = stem if stem.count("_") else f"{stem}_index", 2
        while name in taken:
            name, number = f"{stem}_{number}", number + 1
        taken.add(name)
        named.append((request, name))
    return named


def _tuple(items: Iterator[str]) -> str:
    texts = list(items)
    return f"({', '.join(texts)}{',' if len(texts) == 1 else ''})"


def _comment(text: str) -> str:
    """A text in one line."""
    return cleaned(text, Target.LINE, MAX_COMMENT_CHARACTERS).replace("\r", " ")
