"""Parameters of a notebook, checked before anything is computed with them.

papermill only warns of a parameter that the notebook does not have, and takes the type of a value from how it looks: of
`-p experiment 20261128` it makes a number.
"""

import ast
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from .errors import UserError

INJECTED = "# Parameters"  # the first line of the cell that papermill adds


def check_parameters(notebook: str, variables: Mapping[str, Any]) -> None:
    """Check the parameters of a notebook, given by its name and the variables of its kernel.

    The declared parameters are the variables with an annotation. Raises `UserError` for an injected parameter that is
    not declared, and for a value of another type than is declared.
    """
    declared: Mapping[str, type] = variables.get("__annotations__", {})
    for name in _injected(variables.get("In", ())):
        if name not in declared:
            raise UserError(f"{notebook} has no parameter {name!r}; it has {', '.join(declared) or 'none'}")
    for name, kind in declared.items():
        value = variables[name]
        if type(value) is not kind:
            hint = f"; with papermill, give a text by -r {name} VALUE" if kind is str else ""
            raise UserError(
                f"{notebook}: the parameter {name} is {value!r}, which is of type {type(value).__name__} and has to be "
                f"of type {kind.__name__}{hint}"
            )


def _injected(cells: Sequence[str]) -> Iterator[str]:
    """Yield the names that the cell of papermill assigns; `cells` are the sources of those that ran."""
    for source in cells:
        if source.startswith(INJECTED):
            for statement in ast.parse(source).body:
                if isinstance(statement, ast.Assign | ast.AnnAssign):
                    targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
                    yield from (target.id for target in targets if isinstance(target, ast.Name))
