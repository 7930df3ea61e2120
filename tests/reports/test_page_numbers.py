"""Reading the numbers of a page back: their sources, numbers without one, and files that are no page."""

import pytest

from reports import page_numbers
from reports.page_numbers import PageNumber
from workbench.errors import UserError

SOURCES = '<script type="application/json" id="sources">{"experiment":"made","digest":"ab12"}</script>'


@pytest.fixture
def read(tmp_path):
    """Read a page with this content."""

    def read(content, sources=SOURCES):
        path = tmp_path / "page.html"
        path.write_bytes(content if isinstance(content, bytes) else f"<main>{content}</main>{sources}".encode())
        return page_numbers.read(path)

    return read


def test_a_number_has_the_source_of_the_nearest_element(read):
    page = read('<figure data-source="section"><p>1</p><span data-source="a">2 <b>3</b></span>4</figure>')
    assert page.numbers == tuple(
        PageNumber(*each) for each in (("section", "1"), ("a", "2"), ("a", "3"), ("section", "4"))
    )
    assert (page.experiment, page.digest) == ("made", "ab12")


def test_a_number_without_a_source_is_named(read):
    page = read('<p>50 users</p><p data-source="a">7</p><p>none</p>')
    assert list(page_numbers.without_source(page)) == ["50 users"]


def test_an_element_without_an_end_hides_no_later_number(read):
    page = read('<p data-source="a">1<br>2<img>3</p><p>4</p><span data-source="b">5</i></span><p>6</p>')
    assert list(page_numbers.without_source(page)) == ["4", "6"]
    assert [number.source for number in page.numbers] == ["a", "a", "a", "", "b", ""]


@pytest.mark.parametrize("tag", ["script", "style", "title", "desc"])
def test_what_is_no_text_of_the_page_has_no_number(read, tag):
    assert read(f"<{tag}>42</{tag}>").numbers == ()


def test_entities_are_no_numbers(read):
    assert read("<p>it&#x27;s &#8211;</p>").numbers == ()


@pytest.mark.parametrize(
    "sources",
    [
        "",
        '<script id="sources"></script>',
        '<script id="sources">{"experiment":</script>',
        '<script id="sources">[]</script>',
        '<script id="sources">{"experiment":"made"}</script>',
        '<script id="sources">' + 10_000 * "[" + "</script>",
        '<script id="other">{"experiment":"made","digest":"ab12"}</script>',
    ],
)
def test_a_page_that_names_no_experiment_is_refused(read, sources):
    with pytest.raises(UserError, match="is no page of an experiment"):
        read("<p>1</p>", sources)


def test_a_file_that_is_no_text_is_refused(read):
    with pytest.raises(UserError, match="cannot be read as a page"):
        read(b"\xff\xfe\x00<p>")


def test_a_missing_file_and_a_folder_are_refused(tmp_path):
    for path in (tmp_path / "none.html", tmp_path):
        with pytest.raises(UserError, match="cannot be read as a page"):
            page_numbers.read(path)


def test_a_file_that_is_too_large_is_refused(tmp_path):
    path = tmp_path / "large.html"
    with path.open("wb") as file:
        file.truncate(page_numbers.MAX_BYTES + 1)
    with pytest.raises(UserError, match="too large to be a page"):
        page_numbers.read(path)


@pytest.mark.parametrize("content", ["</p></p></main>", "<!-- <p>1</p> -->", "&", "<p data-source>7</p>", 2000 * "<b>"])
def test_damaged_markup_is_read_without_a_failure(read, content):
    assert read(content + SOURCES, "").experiment == "made"
