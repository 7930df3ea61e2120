"""`python -m loadgen init`: write a `workbench.toml` and a locustfile for an application of a user's own."""

import os
import shlex
from collections.abc import Iterator
from dataclasses import replace
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

import click

from workbench import shell_commands
from workbench.errors import UsageError, UserError
from workbench.redaction import redacted
from workbench.terminal import echo

from .. import arm_source
from ..arm_source import ArmSource
from ..arm_start import PORT_PLACE
from . import app_file_text, draft_files, locustfile_text, openapi_operations, recorded_draft
from .app_file_text import LOCUSTFILE, DraftArm
from .draft_request import Draft, counted
from .openapi_document import OpenApiDocument

APP_FILE = "workbench.toml"


@click.command("init")
@click.option("--openapi", default="", metavar="DOCUMENT", help="Address or file of its OpenAPI document.")
@click.option("--har", default="", metavar="FILE", help="A recording of its use, as browsers save it.")
@click.option("--host", default="", help="The host of the recording, if not the one with the most requests.")
@click.option("--static", "has_static", is_flag=True, help="Requests of the recording for images, scripts … too.")
@click.option("--unsafe", "has_unsafe", is_flag=True, help="Send what may change data too, where all of it is known.")
@click.option("--command", "command_", default="", metavar="WORDS", help="What serves the application on $PORT.")
@click.option("--url", default="", help="Where it is running, if not where the document or recording is from.")
@click.option(
    "--output", default=".", type=click.Path(path_type=Path), help="The folder of the files; this one if not given."
)
def init(
    openapi: str, har: str, host: str, has_static: bool, has_unsafe: bool, command_: str, url: str, output: Path
) -> None:
    """Write a workbench.toml and its locustfile, and print the path of the first.

    The endpoints come from the OpenAPI document of the application, or from a recording (HAR). No file is overwritten.
    """
    if bool(openapi) == bool(har):
        raise UsageError("name what to read the endpoints from: either --openapi or --har")
    if openapi and (host or has_static):
        raise UsageError("--host and --static go with --har")
    if command_ and url:
        raise UsageError("name what to put under load: either --command or --url")
    _check_arm(command_, url)
    if openapi:
        has_own_path = bool(urlsplit(url).path.strip("/"))
        draft = openapi_operations.draft(OpenApiDocument.read(openapi), has_own_path=has_own_path)
    else:
        draft = recorded_draft.draft(har, host, has_static=has_static)
    draft = replace(draft, has_unsafe=has_unsafe)
    arm = _arm(draft, command_, url, output)
    draft_files.write(output, {LOCUSTFILE: locustfile_text.text(draft), APP_FILE: app_file_text.text(draft, arm)})
    for line in _summary(draft, arm, output):
        echo(line, err=True)
    click.echo(output / APP_FILE)


def _check_arm(command: str, url: str) -> None:
    """Raise `UsageError` for a command or an address that no arm can have, or that has a secret."""
    for option, text in (("--command", command), ("--url", url)):
        if redacted(text) != text:
            raise UsageError(f"{option} has a secret, which the file would keep: leave it out, and give it to the "
                             "application in its environment")  # fmt: skip
    if command and (problem := arm_source.problem_of_command(command)):
        raise UsageError(f"--command {problem}; give the words that serve the application on $PORT")
    if url:
        try:
            ArmSource.parse(f"now=url:{url}")
        except UserError as error:
            raise UsageError(f"--url: {error.message.partition(': ')[2] or error.message}") from None
        if "@" in urlsplit(url).netloc:
            raise UsageError("--url has a user in it, which the file would keep: leave it out")


def _arm(draft: Draft, command: str, url: str, output: Path) -> DraftArm:
    if command:
        folder = os.path.relpath(Path.cwd(), output.resolve())
        return DraftArm(command, "" if folder == "." else folder)
    if not (url or draft.url):
        raise UsageError("the document does not say where the application is running: add --url, or --command for what "
                         "serves it")  # fmt: skip
    return DraftArm(url=url.rstrip("/") or draft.url)


def _summary(draft: Draft, arm: DraftArm, output: Path) -> Iterator[str]:
    """What was written, what was left out, and what to do next."""
    active = len(draft.active())
    others = len(draft.requests) - active
    signs_in = ", a sign-in before them" if draft.sign_in else ""
    comments = f", and {counted(others, 'comment')} on others" if others else ""
    yield f"{output / LOCUSTFILE}: {counted(active, 'endpoint')}{signs_in}{comments}"
    yield from (f"left out: {note}" for note in draft.notes)
    if not active:
        yield "no endpoint can be requested as it is: complete one of the comments before you measure"
    for variable in draft.variables():
        yield f"set {variable.name} before you measure: {variable.purpose}"
    if arm.command and not PORT_PLACE.search(arm.command):
        yield "the command names no $PORT, on which each run expects the application: add it"
    host = urlsplit(arm.url).hostname or ""
    confirmed = f" --confirm-target {shlex.quote(host)}" if arm.url and not _is_loopback(host) else ""
    file = shell_commands.file(output / APP_FILE)
    yield f"measure it, and make its page: {shell_commands.python()} -m reports report --app {file}{confirmed}"


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
