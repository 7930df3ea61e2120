"""Text of others cannot steer a terminal, break a file or reorder a page; letters of every script stay."""

import xml.etree.ElementTree as ET

import pytest

from workbench.text_cleaning import Target, cleaned


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain text, ümlaut, 日本語, 🙂", "plain text, ümlaut, 日本語, 🙂"),
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b[2J\x1b[Hcleared", "cleared"),
        ("\x1b]0;title\x07after", "after"),
        ("\x1b]8;;http://evil/\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x1b]0;without an end", "0;without an end"),
        ("\x9b31mred\x9d0;title\x9c", "red"),
        ("\x1bPdevice control\x1b\\x", "x"),
        ("\x1bcreset", "reset"),
        ("a\rb\nc\td\x0be\x85f\u2028g\u2029h\xa0i", "a b c d e f g h i"),
        ("bell\x07 null\x00 delete\x7f", "bell� null� delete�"),
        ("user\u202egnp.exe\u202c \u2066x\u2069 \u200fy", "usergnp.exe x y"),
        ("zero\u200bwidth\ufeff", "zerowidth"),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("half \ud800 pair", "half � pair"),
        ("no characters \ufffe \uffff", "no characters � �"),
    ],
)
def test_cleaned_line_has_printable_characters_only(text, expected):
    assert cleaned(text, Target.LINE) == expected
    assert cleaned(text, Target.LINES).replace("\n", " ") == expected


def test_cleaned_lines_keeps_breaks_and_shortens_each_line():
    assert cleaned("first\r\nsecond\x1b[1m " + 9 * "x", Target.LINES, limit=8) == "first\nsecond …"


def test_cleaned_shortens_an_overlong_text():
    assert cleaned(10_000 * "a", Target.LINE, limit=5) == "aaaa…"
    assert len(cleaned(10_000_000 * "a", Target.HTML)) == 4_000


@pytest.mark.parametrize("code", [0x0, 0x1, 0x8, 0xB, 0x1B, 0x7F, 0x9B, 0xD800, 0xDFFF, 0xFFFE, 0xFFFF, 0x1FFFE])
def test_cleaned_for_xml_survives_a_round_trip(code):
    text = cleaned(f"a <{chr(code)}> & ]]> \"'\n", Target.XML)
    element = ET.Element("failure", message=text)
    element.text = text
    parsed = ET.fromstring(ET.tostring(element, encoding="utf-8"))
    assert (parsed.get("message"), parsed.text) == (text, text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a | b\n| --- |", r"a \| b \| --- \|"),
        ("`code` *bold* _it_ snake_case ~~no~~", r"\`code\` \*bold\* \_it\_ snake_case \~\~no\~\~"),
        ("<img src=x onerror=alert(1)>", "&lt;img src=x onerror=alert(1)&gt;"),
        ("[link](http://evil) ![picture](x)", r"\[link\](http://evil) !\[picture\](x)"),
        ("$x^2$ and \\| done", r"\$x^2\$ and \\\| done"),
        ("@everyone", "&#64;everyone"),
        ("p95 of reads, sustained-100 on tuned (2.1 ms)", "p95 of reads, sustained-100 on tuned (2.1 ms)"),
    ],
)
def test_cleaned_for_markdown_has_no_markup(text, expected):
    assert cleaned(text, Target.MARKDOWN) == expected


def test_cleaned_for_html_is_escaped():
    assert cleaned("<b a=\"x\" c='y'>&\x1b[1m", Target.HTML) == "&lt;b a=&quot;x&quot; c=&#x27;y&#x27;&gt;&amp;"


def test_cleaned_for_a_figure_has_no_formula():
    assert cleaned("$x^2$ costs 5 $", Target.FIGURE) == r"\$x^2\$ costs 5 \$"


def test_cleaned_accepts_what_is_no_text():
    assert cleaned(None, Target.LINE) == "None"
    assert cleaned(ValueError("a\nb"), Target.LINE) == "a b"
