"""The files of the monitor's page: text of others is set as text, and nothing comes from elsewhere."""

import re

import pytest

from instrumentation.monitor.monitor_app import FILES, PAGE

# What would take a text for markup or for code.
UNSAFE = re.compile(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|javascript:")


def test_the_page_has_no_other_files():
    assert {path.name for path in PAGE.iterdir()} == {"monitor.html", *FILES}


@pytest.mark.parametrize("name", ["monitor.html", *FILES])
def test_a_file_takes_no_text_for_markup_and_loads_nothing_from_elsewhere(name):
    content = (PAGE / name).read_text().replace("http://www.w3.org/2000/svg", "")  # the name of SVG's elements
    assert UNSAFE.findall(content) == []
    assert "://" not in content


def test_a_script_of_the_page_is_in_a_file():
    assert re.findall(r"<script(?! src=)|\son\w+=", (PAGE / "monitor.html").read_text()) == []
