"""The page of an experiment whose names and messages are markup, quotes, lines and secrets: escaped, and complete."""

import json
import re
from html.parser import HTMLParser

import pytest

from analysis.findings.evaluation import evaluate
from reports.sections import Report, sources
from tests.builders import Builder
from tests.reports.page_reader import MISSING_VALUE, SECTIONS
from workbench.arms import BASELINE, TUNED

MARKUP = '<script>run()</script><img src=x onerror="run()">'
HOSTILE = {
    "markup": MARKUP,
    "quotes": '"\'`"></span>{x} {{ y }}',
    "lines": "first\nsecond\r\n\x1b[31mthird\x00\u202e",
    "long": 200 * "x",
    "secret": "postgresql://user:hunter2@host/db?token=hunter2",
    "end of the data": "</script><!--<script>",
}


class Elements(HTMLParser):
    """The elements of a page, with their attributes."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict]] = []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))


@pytest.fixture(scope="module", params=HOSTILE)
def page(request, tmp_path_factory):
    """All sections of an experiment with this text wherever a record, a row or a log has one."""
    text = HOSTILE[request.param]
    builder = Builder(tmp_path_factory.mktemp("hostile"))
    runs = [
        builder.run(BASELINE),
        builder.run(TUNED),
        builder.run(TUNED, "single"),
        builder.run("as-advised").invalid(),
    ]
    runs[-1].record["reasons"] = [text]
    for run in runs:
        run.record["deployment"] |= {"description": text}
        run.record["environment"] = run.record["environment"] | {"cpu_model": text, "kernel": text}
    for row in runs[1].rows[:20]:
        row |= {"error": text, "ok": False}
    experiment = builder.experiment(*runs)
    report = Report(experiment, evaluate(experiment))
    return {name: str(section(report)) for name, section in SECTIONS.items()} | {"sources": str(sources(report))}


def test_no_text_of_others_becomes_markup(page):
    html = "\n".join(page.values())
    elements = Elements(html).found
    assert [attrs for tag, attrs in elements if tag == "script"] == [{"type": "application/json", "id": "sources"}]
    assert not any(tag == "img" for tag, _ in elements)
    assert not any(name.startswith("on") for _, attrs in elements for name in attrs)
    assert html.count("</script>") == 1


def test_no_secret_and_no_control_character_is_on_the_page(page):
    html = "\n".join(page.values())
    assert "hunter2" not in html
    assert not set(html) & {"\x1b", "\x00", "\u202e", "\r"}


def test_every_section_is_there_and_the_data_can_be_read(page):
    for name, html in page.items():
        assert len(html) > 100 or name == "faults", name  # none was made
        assert not MISSING_VALUE.search(re.sub(r"<[^>]*>", " ", html)) or name == "sources", name
    data = json.loads(re.search(r">(.*)</script>", page["sources"], re.DOTALL)[1])
    assert data["experiment"] == "made"
    assert len(data["bursts"]) == 2
