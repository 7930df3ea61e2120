"""The page of an executed notebook: its content, its independence, and the notebooks that are refused."""

import base64
import hashlib
import re
from html.parser import HTMLParser

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from analysis.figures import palette
from reports.render import render

DONE = new_output("execute_result", {"text/plain": "'report complete'"}, execution_count=3)


def shown(html, source="secret_code()", **more):
    return new_code_cell(source, outputs=[new_output("display_data", {"text/html": html})], **more)


def report(*cells, end=(DONE,)):
    heading = new_markdown_cell("# Results\n\nProse of the *report*.")
    last = new_code_cell("'report complete'", outputs=list(end))
    return new_notebook(cells=[heading, *cells, last], metadata={"title": "Latency & load"})


@pytest.fixture
def built(tmp_path):
    """Renders a notebook and gives the text of its page."""

    def build(notebook):
        nbformat.write(notebook, tmp_path / "executed.ipynb")
        render(tmp_path / "executed.ipynb", tmp_path / "html" / "page.html")
        return (tmp_path / "html" / "page.html").read_text(encoding="utf-8")

    return build


class Starts(HTMLParser):
    def __init__(self, html):
        super().__init__()
        self.tags = []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))


def test_page_shows_prose_and_outputs_but_no_code(built):
    html = built(report(shown("<p>87 ms</p>")))
    assert "<p>87 ms</p>" in html
    assert "Prose of the <em>report</em>." in html
    assert "secret_code" not in html
    assert "report complete" not in html


def test_page_refers_to_nothing_outside_it(built):
    html = built(report(shown("<p>87 ms</p>")))
    tags = Starts(html).tags
    assert not {"link", "iframe", "object"} & {tag for tag, _ in tags}
    assert [attrs for tag, attrs in tags if tag == "script"] == [{}]
    assert "://" not in html
    assert not re.search(r"@import|url\(", html)
    (script,) = re.findall(r"<script>(.*?)</script>", html, re.DOTALL)
    assert 0 < len(script.encode()) < 40_000
    assert len(html.encode()) - len(script.encode()) < 25_000


def test_head_names_language_title_and_viewport(built):
    html = built(report())
    tags = Starts(html).tags
    assert html.startswith("<!DOCTYPE html>")
    assert ("html", {"lang": "en"}) in tags
    assert "<title>Latency &amp; load</title>" in html
    metas = {attrs.get("name"): attrs.get("content") for tag, attrs in tags if tag == "meta"}
    assert metas["viewport"].startswith("width=device-width")
    assert metas["color-scheme"] == "light dark"


def test_contents_link_to_the_second_level_headings(built):
    html = built(report(new_markdown_cell("## Why *it* is slow & late\n\n### Detail\n\n## Method")))
    links = re.findall(r'<li><a href="#([^"]+)">([^<]+)</a>', html)
    assert links == [("why-it-is-slow-late", "Why it is slow &amp; late"), ("method", "Method")]
    headings = {attrs["id"] for tag, attrs in Starts(html).tags if tag == "h2"}
    assert headings == {anchor for anchor, _ in links}


def test_section_that_shows_nothing_is_left_out_with_its_link(built):
    headings = [new_markdown_cell(f"## {name}") for name in ("Measured", "Missing", "Prose alone", "End")]
    html = built(report(headings[0], shown(" \n"), shown("<p>87 ms</p>"), headings[1], shown(""), *headings[2:],
                        shown("<p>5 ms</p>")))  # fmt: skip
    assert re.findall(r"<h2[^>]*>(.*?)</h2>", html) == ["Measured", "Prose alone", "End"]
    assert "Missing" not in html


def test_new_cell_ids_and_counts_give_the_same_bytes(built):
    pages = []
    for number in (1, 2):
        cell = shown("<p>87 ms</p>", id=f"random-{number}", execution_count=number)
        cell.metadata["papermill"] = {"duration": number}
        pages.append(built(report(cell, new_markdown_cell("## Method", id=f"other-{number}"))))
    assert pages[0] == pages[1]
    assert "random" not in pages[0]


@pytest.mark.parametrize("tag", ["parameters", "injected-parameters"])
def test_parameter_cells_are_left_out(built, tag):
    assert "PROFILE" not in built(report(shown("<p>PROFILE</p>", metadata={"tags": [tag]})))


def test_a_text_for_readers_of_the_notebook_is_left_out(built):
    aside = new_markdown_cell("For the notebook.", metadata={"tags": ["notebook-only"]})
    assert "For the notebook." not in built(report(aside))
    assert "For the notebook." in built(report(new_markdown_cell("For the notebook.")))


def test_stdout_is_escaped_and_stderr_is_left_out(built):
    streams = [new_output("stream", name=name, text=f"<b>{name}</b>") for name in ("stdout", "stderr")]
    html = built(report(new_code_cell("", outputs=streams)))
    assert "<pre>&lt;b&gt;stdout&lt;/b&gt;</pre>" in html
    assert "stderr" not in html


def test_a_picture_has_its_alternative_text(built):
    picture = new_output("display_data", {"image/png": "aGk=\n"}, metadata={"alt": 'a "line"'})
    tags = Starts(built(report(new_code_cell("", outputs=[picture])))).tags
    assert ("img", {"src": "data:image/png;base64,aGk=", "alt": 'a "line"'}) in tags


STREAM = new_output("stream", name="stdout", text="report complete")
ERROR = new_output("error", ename="ValueError", evalue="no", traceback=[])


@pytest.mark.parametrize(
    "notebook",
    [
        pytest.param(report(end=()), id="no output at the end"),
        pytest.param(report(end=(STREAM,)), id="only printed"),
        pytest.param(new_notebook(cells=[new_markdown_cell("report complete")]), id="no code"),
        pytest.param(report(new_code_cell("", outputs=[ERROR])), id="a failed cell"),
        pytest.param(new_notebook(cells=[*report().cells, new_code_cell("more()")]), id="a later cell"),
    ],
)
def test_a_notebook_that_stopped_early_is_refused_and_the_old_page_stays(tmp_path, notebook):
    page = tmp_path / "page.html"
    page.write_text("yesterday's")
    nbformat.write(notebook, tmp_path / "executed.ipynb")
    with pytest.raises(ValueError, match=r"executed\.ipynb did not run to its end"):
        render(tmp_path / "executed.ipynb", page)
    assert page.read_text() == "yesterday's"


def test_a_repeated_id_is_refused(built):
    with pytest.raises(ValueError, match="more than once: fig-latency"):
        built(report(shown('<figure id="fig-latency"></figure>'), shown('<figure id="fig-latency"></figure>')))


def test_works_from_any_directory_and_leaves_only_the_page(built, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    built(report())
    assert [path.name for path in (tmp_path / "html").iterdir()] == ["page.html"]


def test_page_has_every_colour_of_the_palette_on_both_grounds(built):
    light, dark = re.findall(r":root \{\n(.*?)\n\}", built(report()), re.DOTALL)
    assert light == palette.css_variables()
    assert dark == palette.css_variables(dark=True)


def test_policy_allows_the_pages_own_style_and_script_and_nothing_else(built):
    page = built(report())
    (policy,) = re.findall(r'<meta http-equiv="Content-Security-Policy" content="([^"]*)">', page)
    rules = dict(rule.split(" ", 1) for rule in policy.split("; "))
    for tag in ("style", "script"):
        (content,) = re.findall(rf"<{tag}>(.*?)</{tag}>", page, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert rules[f"{tag}-src"] == f"'sha256-{digest}'"
    assert rules["default-src"] == "'none'"
    assert "unsafe" not in policy
    assert page.index("Content-Security-Policy") < page.index("<style>")


def test_text_of_others_in_an_output_is_cleaned(built):
    page = built(report(new_code_cell("", outputs=[new_output("stream", text="\x1b[31m<b>\u202e\x00\nsecond")])))
    assert "<pre>&lt;b&gt;�\nsecond</pre>" in page
