"""What a result of the lab hands to the front end, for the tests."""

from typing import Any

WIDGET = "application/vnd.jupyter.widget-view+json"


def fallback(shown: Any) -> str:
    """The HTML of an output where there is no front end; the output has a widget and text too."""
    bundle = shown._repr_mimebundle_()
    assert bundle.keys() == {"text/plain", "text/html", WIDGET}
    assert bundle["text/plain"] == repr(shown)
    return str(bundle["text/html"])


def parts(shown: Any) -> list[Any]:
    """The widgets below each other."""
    return list(shown.widget.children)
