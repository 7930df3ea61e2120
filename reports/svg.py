"""A matplotlib figure as inline SVG: text stays text, colours follow the page, the bytes never vary.

It has no `style` attributes: the page's security policy allows no inline styles.
"""

import io
import re
import warnings
import xml.etree.ElementTree as ET
from collections.abc import Callable

import matplotlib
from matplotlib.figure import Figure

from analysis.figures import marks, panels
from analysis.figures.palette import COLOURS
from workbench.text_cleaning import Target, cleaned

from .markup import Html
from .numerals import SECTION, marked

NO_METADATA = {"Date": None, "Creator": None, "Format": None, "Type": None}
VARIABLES = {str(colour): f"var(--{name}, {colour})" for name, colour in COLOURS.items()}
COLOUR = re.compile(r"#[0-9a-f]{6}")
GEOMETRY = {"d", "x", "y", "width", "height", "transform", "points"}


def inline(draw: Callable[[], Figure], name: str, title: str, description: str, *, is_half: bool = False) -> Html:
    """The figure as `<figure id="fig-NAME">` with its caption, drawn for a wide page and for a phone.

    `title` names in a few words what the figure shows; `description` says it in a sentence or two. For screen readers
    the figure has this name, and the values of its marks as its description. One that `is_half` takes a column beside
    another, and is drawn as for a phone. Colours of `analysis.figures.palette.COLOURS` become CSS variables. Raises
    ValueError unless `name` is made of lower-case letters, digits and hyphens.
    """
    if not re.fullmatch(r"[a-z][a-z0-9-]*", name):
        raise ValueError(f"not a name for a figure: {name!r}")
    with panels.narrow():
        narrow = _svg(draw(), name if is_half else f"{name}-narrow", f"fig-{name}")
    drawn = narrow
    if not is_half:
        wide = _svg(draw(), name, f"fig-{name}")
        drawn = f'<div class="wide">{wide}</div>\n<div class="narrow">{narrow}</div>'
    caption = (
        f'<figcaption><strong id="fig-{name}-title">{marked(title)}</strong> '
        f'<span id="fig-{name}-text">{marked(description)}</span></figcaption>'
    )
    return Html(f'<figure id="fig-{name}" data-source="{SECTION}">\n{caption}\n{drawn}\n</figure>')


def _svg(figure: Figure, name: str, caption: str) -> str:
    root = _without_namespaces(_draw(figure, name))
    _keep_referenced_ids(root, name)
    for element in root.iter():
        _simplify(element)
    _describe(root, name, caption)
    return ET.tostring(root, encoding="unicode")


def _draw(figure: Figure, name: str) -> ET.Element:
    drawn = io.StringIO()
    with matplotlib.rc_context({"svg.hashsalt": name, "svg.fonttype": "none"}), warnings.catch_warnings():
        # Text stays text: the page's font draws the letters that matplotlib's lacks.
        warnings.filterwarnings("ignore", r"Glyph \d+ .* missing from font")
        figure.savefig(drawn, format="svg", metadata=NO_METADATA, transparent=True)
    return ET.fromstring(drawn.getvalue())  # noqa: S314 -- drawn by matplotlib a line above


def _without_namespaces(root: ET.Element) -> ET.Element:
    """Strip XML namespaces, as inside HTML, and matplotlib's style sheet, which would reach the whole page."""
    for element in list(root.iter()):
        element.tag = element.tag.rpartition("}")[2]
        element.attrib = {key.rpartition("}")[2]: value for key, value in element.attrib.items()}
        element.text, element.tail = (element.text if element.tag == "text" else None), None
        for child in [child for child in element if child.tag.endswith(("}style", "}metadata"))]:
            element.remove(child)
    return root


def _keep_referenced_ids(root: ET.Element, name: str) -> None:
    """Drop ids without a reference, and put the figure's name before the others and before their references."""
    values = [value for element in root.iter() for value in element.attrib.values()]
    targets = {target for value in values for target in re.findall(r"(?:^|url\()#([^)]+)", value)}
    for element in root.iter():
        if mark := marks.read(element.get("id", "")):
            _set_mark(element, mark)
        if element.get("id") in targets:
            element.set("id", f"{name}-{element.get('id')}")
        else:
            element.attrib.pop("id", None)
        for key, value in element.attrib.items():
            element.set(key, re.sub(r"(^|url\()#([^)]+)", rf"\1#{name}-\2", value))


def _set_mark(element: ET.Element, mark: marks.Mark) -> None:
    """Give an element its series, and a title that browsers show where the reader points at it."""
    if mark.series:
        element.set("data-series", cleaned(mark.series, Target.LINE))
    if mark.tip:
        title = ET.Element("title")
        title.text = cleaned(mark.tip, Target.LINE)
        element.insert(0, title)


def _simplify(element: ET.Element) -> None:
    attributes = element.attrib
    for key in GEOMETRY & attributes.keys():
        attributes[key] = _rounded(attributes[key])
    if attributes.get("transform", "").startswith("rotate(0 "):
        del attributes["transform"]
    attributes.update(_presentation_attributes(attributes.pop("style", "")))


def _rounded(geometry: str) -> str:
    """Round to two decimals, a hundredth of a point: finer digits only differ between machines."""
    short = re.sub(r"-?\d+\.\d+", lambda number: f"{float(number[0]):.2f}".rstrip("0").rstrip("."), geometry)
    return re.sub(r"\s+", " ", re.sub(r"(?<![\d.])-0(?![\d.])", "0", short)).strip()


def _presentation_attributes(style: str) -> dict[str, str]:
    """The declarations of a style as attributes of SVG, which need no permission of the page's security policy.

    The font is dropped, so that the page's own is used; CSS variables take the place of the palette's colours.
    """
    declarations = (declaration.partition(":") for declaration in style.split(";") if declaration.strip())
    values = {name.strip(): value.strip() for name, _, value in declarations if name.strip() != "font-family"}
    return {
        name: COLOUR.sub(lambda colour: VARIABLES.get(colour[0], colour[0]), value) for name, value in values.items()
    }


def _describe(root: ET.Element, name: str, caption: str) -> None:
    """Name the drawing by the title of its caption, and describe it by the values of its marks, else by the caption."""
    tips = [title.text for title in root.iter("title") if title.text]
    root.attrib = {
        "viewBox": root.attrib["viewBox"],
        "role": "img",
        "aria-labelledby": f"{caption}-title",
        "aria-describedby": f"{name}-desc" if tips else f"{caption}-text",
        "stroke-linejoin": "round",
        "stroke-linecap": "butt",
    }
    if tips:
        values = ET.Element("desc", {"id": f"{name}-desc"})
        values.text = "; ".join(tips)
        root.insert(0, values)
