"""The option `--without-type`: request types whose rows are left out of a recording."""

from collections.abc import Iterable

import click

from workbench.errors import UserError
from workbench.request_rows import RequestRows

without_type_option = click.option(
    "--without-type",
    "without_types",
    multiple=True,
    metavar="TYPE",
    help="Leave out the requests of this type, such as METRIC for the endpoints METRIC x; may be repeated.",
)


def require_types(recordings: Iterable[RequestRows], without_types: Iterable[str]) -> None:
    """Raise `UserError` for a type that none of the recordings has."""
    if not (without_types := list(without_types)):
        return
    endpoints = {endpoint for rows in recordings for endpoint in rows.typed_endpoints}
    for name in without_types:
        if not any(endpoint.startswith(f"{name} ") for endpoint in endpoints):
            listed = ", ".join(sorted({endpoint.split(" ")[0] for endpoint in endpoints})) or "none"
            raise UserError(f"--without-type {name!r}: no request is of this type; the types recorded are: {listed}")
