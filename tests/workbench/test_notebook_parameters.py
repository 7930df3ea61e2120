"""The check of a notebook's parameters, on the variables of a kernel."""

import pytest

from workbench.errors import UserError
from workbench.notebook_parameters import check_parameters


def variables(injected="", **values):
    """The variables of a kernel in which a cell declared four parameters and papermill injected another cell."""
    declared = {"experiment": str, "blocks": int, "share": float, "is_long": bool}
    defaults = {"experiment": "", "blocks": 4, "share": 0.5, "is_long": False}
    cells = ["", "# a cell\nother = 1", *([f"# Parameters\n{injected}"] if injected else [])]
    return {"__annotations__": declared, "In": cells, "other": 1, **defaults, **values}


@pytest.mark.parametrize("injected", ["", 'experiment = "a"', 'experiment = "a"\nblocks = 5', "is_long: bool = True"])
def test_declared_parameters_of_their_types_pass(injected):
    assert check_parameters("probe", variables(injected)) is None


@pytest.mark.parametrize("injected", ['colour = "green"', 'experiment = "a"\ncolour = 3', "Experiment = 'a'"])
def test_a_parameter_that_was_not_declared_is_refused(injected):
    with pytest.raises(UserError, match=r"^probe has no parameter '(colour|Experiment)'; it has experiment, blocks, "):
        check_parameters("probe", variables(injected))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"experiment": 20261128}, "experiment is 20261128, which is of type int and has to be of type str"),
        ({"experiment": None}, "experiment is None, which is of type NoneType"),
        ({"experiment": ["a"]}, "is of type list"),
        ({"blocks": True}, "blocks is True, which is of type bool and has to be of type int"),
        ({"blocks": "4"}, "blocks is '4', which is of type str and has to be of type int"),
        ({"share": 1}, "share is 1, which is of type int and has to be of type float"),
        ({"is_long": 0}, "is_long is 0, which is of type int and has to be of type bool"),
        ({"experiment": float("inf")}, "experiment is inf, which is of type float"),
    ],
)
def test_a_value_of_another_type_is_refused(values, message):
    with pytest.raises(UserError) as refusal:
        check_parameters("probe", variables(**values))
    assert message in refusal.value.message
    assert ("by -r experiment VALUE" in refusal.value.message) == ("experiment" in values)


def test_a_notebook_without_parameters_takes_none():
    with pytest.raises(UserError, match="it has none"):
        check_parameters("probe", {"In": ["# Parameters\ncolour = 1"]})
