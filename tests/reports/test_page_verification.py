"""Verifying a page: each changed number is named, and the command exits with 1."""

import re

import pytest
from click.testing import CliRunner

from reports import build, page_numbers, page_verification
from reports.__main__ import main
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
    assert differences(lambda text: card.sub("", text)) == [f"{SPEEDUP}: the page lacks 20.0 ×"]
    added = f'<span data-source="{SPEEDUP}">99 ×</span></main>'
    assert differences(lambda text: text.replace("</main>", added)) == [
        f"{SPEEDUP}: the page has 99 ×, which the recording does not give"
    ]


def test_a_number_that_names_another_source_is_named_twice(differences):
    source = f'data-source="{SPEEDUP}"'
    lines = differences(lambda text: text.replace(source, 'data-source="published-invented"', 1))
    assert [line.partition(":")[0] for line in lines] == ["published-invented", SPEEDUP]


def test_a_number_without_a_source_is_a_difference(differences):
    assert differences(lambda text: text.replace("</main>", "<p>42</p></main>")) == [
        "a number without a source: the page has 42, which the recording does not give"
    ]


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
