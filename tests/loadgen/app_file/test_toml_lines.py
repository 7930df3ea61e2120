"""The line of a key, however TOML writes it."""

import pytest

from loadgen.app_file.toml_lines import line_of

TEXT = '''\
# a comment
name = "x"  # name

[arms.a]
words = [
  "one",  # two = 2
  """three
[arms.b]
""",
]

[arms."b c"]
inner = { key = 1, other = 2 }
deep.er.key = 3

[[objectives]]
id = "first"
[[objectives]]

# between
id = "second"
'''


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (("name",), 2),
        (("arms",), 4),
        (("arms", "a"), 4),
        (("arms", "a", "words"), 5),
        (("arms", "a", "words", 1), 5),
        (("arms", "b c"), 12),
        (("arms", "b c", "inner", "other"), 13),
        (("arms", "b c", "deep", "er", "key"), 14),
        (("objectives", 0), 16),
        (("objectives", 0, "id"), 17),
        (("objectives", 1), 18),
        (("objectives", 1, "id"), 21),
        (("arms", "a", "none"), 4),
        (("objectives", 7), 16),
        (("none",), 1),
        ((), 1),
    ],
)
def test_line_is_that_of_the_statement(path, line):
    assert line_of(TEXT, path) == line


def test_line_of_windows_line_ends():
    assert line_of(TEXT.replace("\n", "\r\n"), ("objectives", 1, "id")) == 21
