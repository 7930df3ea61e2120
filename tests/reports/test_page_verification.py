"""Verifying a page: each changed number is named, and the command exits with 1."""

import os
import re
import subprocess
import sys

import pytest
from click.testing import CliRunner

from reports import build, page_numbers, page_verification
from reports.__main__ import main
from reports.page_names import FINDINGS, JUNIT, PAGE, SUMMARY
from tests.builders import Builder
from workbench.arms import BASELINE, TUNED

NUMBER = re.compile(r'(<span class="n" data-source="[^"]*">)([^<]*?)(\d)([^<]*</span>)')
SPEEDUP = "step-as-measured-to-tuned"


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The page of a small experiment."""
    folder = tmp_path_factory.mktemp("verified")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TRACETRACK_DATA_DIR", str(folder))
        builder = Builder(folder / "runs")
        runs = [builder.run(BASELINE), builder.run(TUNED)]
        for run in runs:
            run.record |= {"processes": 1, "generator": run.record["generator"] | {"processes": 1}}
        builder.experiment(*runs)
        return build.build("made", folder / "html").page


@pytest.fixture
def differences(built, tmp_path):
    """What differs between the page with a change of its text, and the page."""

    def differences(change):
        page = tmp_path / "changed.html"
        page.write_text(change(built.read_text()))
        return list(page_verification.differences(page_numbers.read(page), page_numbers.read(built)))

    return differences


@pytest.fixture
def compared(built, tmp_path):
    """The comparison of the page with a change of its text, and the page."""

    def compared(change):
        page = tmp_path / "changed.html"
        page.write_bytes(change(built.read_text()).encode())
        return page_verification.compare(page, built)

    return compared


@pytest.fixture
def verify(built, tmp_path, monkeypatch):
    """The command on the page with a change of its text."""

    def verify(change):
        page = tmp_path / "changed.html"
        page.write_text(change(built.read_text()))
        return CliRunner().invoke(main, ["verify", str(page)])

    monkeypatch.setenv("TRACETRACK_DATA_DIR", str(built.parent.parent))
    return verify


def swapped(text, start):
    """The text with the first digit of the first number after `start` changed."""
    match = NUMBER.search(text, text.index(start))
    return text[: match.start(3)] + str((int(match[3]) + 1) % 10) + text[match.end(3) :]


@pytest.mark.exhaustive
def test_a_page_that_was_changed_differs_in_the_changed_number_alone(verify):
    """All the others agree: the page that is built again has the same numbers."""
    result = verify(lambda text: swapped(text, " users at once: "))
    assert result.exit_code == 1
    difference, summary = result.stdout.splitlines()
    assert difference == "duration-burst-50-as-measured: the page has 0.3 s, and the recording gives 9.3 s"
    agreeing, count = map(int, re.fullmatch(r"(\d+) of (\d+) numbers agree with made", summary).groups())
    assert agreeing == count - 1 > 300
    assert "changed.html is not as it was recorded" in result.stderr


def test_an_unchanged_page_does_not_differ(differences):
    assert differences(lambda text: text) == []


@pytest.mark.parametrize("place", ['<dl class="cards">', "<td", '<p class="failures">', "<details>"])
def test_a_changed_digit_is_named(differences, place):
    (line,) = differences(lambda text: swapped(text, place))
    assert re.fullmatch(r"[a-z0-9-]+: the page has .*, and the recording gives .*", line)


def test_a_changed_text_of_a_figure_is_named(differences):
    text = re.compile(r"(<text\b[^>]*>)9\.3 s(?=</text>)")
    assert differences(lambda page: text.sub(r"\g<1>8.3 s", page, count=1)) == [
        "section: the page has 8.3 s, and the recording gives 9.3 s"
    ]


def test_a_removed_and_an_added_number_are_named(differences):
    card = re.compile(rf'<span class="n" data-source="{SPEEDUP}">[^<]*</span>')
    assert differences(lambda text: card.sub("", text)) == [f"{SPEEDUP}: the page lacks 20.0×"]
    added = f'<span data-source="{SPEEDUP}">99×</span></main>'
    assert differences(lambda text: text.replace("</main>", added)) == [
        f"{SPEEDUP}: the page has 99×, which the recording does not give"
    ]


def test_a_number_that_names_another_source_is_named_twice(differences):
    source = f'data-source="{SPEEDUP}"'
    lines = differences(lambda text: text.replace(source, 'data-source="published-invented"', 1))
    assert [line.partition(":")[0] for line in lines] == ["published-invented", SPEEDUP]


def test_a_number_without_a_source_is_a_difference(differences):
    assert differences(lambda text: text.replace("</main>", "<p>42</p></main>")) == [
        "a number without a source: the page has 42, which the recording does not give"
    ]


def made_by_others(text, **versions):
    """The page as if it had been made with other versions, by name."""
    for name, version in versions.items():
        text, count = re.subn(rf'("made_with":{{[^}}]*"{name}":)"[^"]*"', rf'\g<1>"{version}"', text)
        assert count == 1
    return text


def replaced(pattern, replacement):
    """A change of the first match of a pattern."""

    def change(text):
        changed, count = re.subn(pattern, replacement, text, count=1, flags=re.DOTALL)
        assert count == 1
        return changed

    return change


CHANGES = {
    "a verdict": (replaced(r'(<span class="pill )fail">fail<', r"\1fail\">pass<"), "verdict ("),
    "the colour of a verdict": (replaced('class="pill fail"', 'class="pill pass"'), "markup (line "),
    "a bar": (replaced(r'(<path\b[^>]* d="M )\d', r"\g<1>9"), "shape of a drawing (fig-"),
    "the title": (replaced(r"(<title>)[^<]*", r"\1invented"), "text (head): "),
    "a query": (replaced(r'"query":"SELECT ', '"query":"SELECT 1, '), "source (query of "),
    "an interval": (replaced('"interval":null', '"interval":[0.125,0.25]'), "source (interval of "),
    "a request of the microscope": (replaced(r'"requests":\[\["', '"requests":[["x'), "source (requests of burst 1): "),
    "a sentence": (replaced("on the tuned one", "on the other one"), "text (head): "),
    "an added sentence": (lambda text: text.replace("</main>", "<p>All is well.</p></main>"), "text ("),
    "a removed section": (replaced(r'<h2 id="what-each.*?(?=<h2 id="is-this)', ""), "setting: the page lacks "),
    "the script": (replaced("dialog.showModal", "dialog.close"), "script or style ("),
    "the policy": (replaced("default-src 'none'", "default-src *"), "script or style (head): "),
    "a link": (replaced('href="#content"', 'href="#elsewhere"'), "element (head): "),
    "the ends of lines": (lambda text: text.replace("\n", "\r\n"), "markup (line 1): "),
    "a comment": (lambda text: text + "<!-- seen -->", "markup (line "),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_of_each_kind_is_named(compared, name):
    change, beginning = CHANGES[name]
    verified = compared(change)
    assert verified.mismatches[0].startswith(beginning), verified.mismatches
    assert [*verified.lines()][-1].endswith(" numbers agree with made")
    assert verified.mismatches[0].isprintable()


def test_a_value_that_a_mark_shows_is_named(compared):
    in_drawing = re.compile(r"(<svg\b(?:(?!</svg>).)*?<title>)([^<]*\d[^<]*)(</title>)", re.DOTALL)
    verified = compared(lambda text: in_drawing.sub(r"\g<1>invented 7\3", text, count=1))
    assert re.match(r"value of a drawing \(fig-[a-z-]+\): the page has invented 7, and ", verified.mismatches[0])


def test_the_same_page_agrees_byte_for_byte(compared):
    verified = compared(lambda text: text)
    assert verified.mismatches == ()
    assert re.fullmatch(r"(\d+) of \1 numbers agree with made; the page is the same, byte for byte", verified.summary)


def test_of_many_differences_the_first_are_shown_and_all_are_counted(compared):
    verified = compared(lambda text: re.sub(r'(<span class="n"[^>]*>)[^<]*', r"\g<1>77", text))
    shown = [*verified.lines()]
    assert len(verified.mismatches) > 40
    assert shown[20:] == [f"and {len(verified.mismatches) - 20} others", verified.summary]


def test_a_page_that_does_not_say_what_made_it_has_the_same_numbers(compared):
    older, digit = replaced(r'"made_with":\{[^}]*\},', ""), replaced(NUMBER.pattern, r"\g<1>\g<2>77\4")
    verified = compared(older)
    assert verified.mismatches == ()
    assert "it does not say what made it, so its words, drawings, script and markup were not" in verified.summary
    assert compared(lambda text: older(digit(text))).mismatches


def test_a_page_that_other_packages_drew_has_the_same_numbers_and_words(compared):
    def drawn(text):
        return made_by_others(CHANGES["a bar"][0](text), matplotlib="0.1")

    verified = compared(drawn)
    assert verified.mismatches == ()
    assert "made with matplotlib 0.1 (here " in verified.summary
    assert "its drawings and classes were not compared" in verified.summary
    assert compared(lambda text: CHANGES["a sentence"][0](drawn(text))).mismatches


@pytest.mark.parametrize("name", ["a verdict", "a query", "an interval"])
def test_a_page_of_another_program_has_the_same_numbers_verdicts_and_sources(compared, name):
    def made(text):
        return made_by_others(CHANGES["a sentence"][0](text), program="0123456789abcdef")

    verified = compared(made)
    assert verified.mismatches == ()
    assert "another program 0123456789abcdef" in verified.summary
    assert "words, drawings, script and markup were not compared" in verified.summary
    assert compared(lambda text: CHANGES[name][0](made(text))).mismatches


@pytest.mark.exhaustive
def test_a_build_elsewhere_gives_the_same_bytes(built, tmp_path):
    """In another process and folder, with another hash seed, time zone and locale."""
    environ = {**os.environ, "PYTHONHASHSEED": "7", "TZ": "Asia/Tokyo", "LC_ALL": "C", "LANG": "C"}
    environ["TRACETRACK_DATA_DIR"] = str(built.parent.parent)
    command = [sys.executable, "-m", "reports", "build", "--experiment=made", f"--output={tmp_path / 'other' / 'html'}"]
    subprocess.run(command, cwd=tmp_path, env=environ, check=True, capture_output=True, timeout=120)
    for name in (PAGE, FINDINGS, SUMMARY, JUNIT):
        assert (tmp_path / "other" / "html" / name).read_bytes() == built.with_name(name).read_bytes(), name


def test_a_page_of_another_digest_is_refused(verify):
    result = verify(lambda text: re.sub(r'"digest":"[0-9a-f]+"', '"digest":"00"', text))
    assert result.exit_code == 1
    assert "the SHA-256 of experiment.json is" in result.stdout


def test_a_page_whose_experiment_is_gone_is_refused(verify):
    result = verify(lambda text: text.replace('"experiment":"made"', '"experiment":"gone"'))
    assert result.exit_code == 1
    assert "gone" in result.stderr
    assert len(result.stderr.splitlines()) <= 2


def test_an_edited_record_is_named(verify, built):
    path = built.parent.parent / "runs" / "made" / "1-01-as-measured-burst-50" / "run.json"
    text = path.read_text()
    path.write_text(text.replace('"seed": 1000', '"seed": 1001'))
    try:
        result = verify(lambda page: page)
    finally:
        path.write_text(text)
    assert result.exit_code == 1
    assert "1-01-as-measured-burst-50" in result.stdout
    assert "numbers agree" not in result.stdout


def test_a_file_that_is_no_page_is_one_line(tmp_path):
    page = tmp_path / "other.html"
    page.write_text("<p>1</p>")
    result = CliRunner().invoke(main, ["verify", str(page)])
    assert result.exit_code == 1
    assert len(result.stderr.splitlines()) == 1
    assert "is no page of an experiment" in result.stderr
