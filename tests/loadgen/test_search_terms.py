"""The terms that the users search for."""

import random

from loadgen.dataset import SCALES
from loadgen.search_terms import COMMON_WORD, NO_MATCH, Terms, child_qr_id
from reference_app.search import longest_word

ROWS = SCALES["small"].counts()


def test_published_terms_are_always_the_same():
    terms = Terms("published", ROWS, random.Random(1))
    assert {terms.draw() for _ in range(10)} == {("BAG", None)}


def test_mixed_terms_are_the_same_from_the_same_seed():
    first, second, other = (Terms("mix", ROWS, random.Random(seed)) for seed in (1, 1, 2))
    drawn = [first.draw() for _ in range(300)]
    assert drawn == [second.draw() for _ in range(300)]
    assert drawn != [other.draw() for _ in range(300)]
    whole = [expected for term, expected in drawn if expected]
    assert all(term == expected for term, expected in drawn if expected)
    assert all(1 <= int(qr_id.removeprefix("M444-")) <= ROWS["link"] for qr_id in whole)
    assert 0.3 < len(whole) / 300 < 0.5
    assert {term for term, _ in drawn} & set(NO_MATCH)


def test_expensive_terms_hardly_repeat_and_their_indexed_word_is_in_nearly_every_id():
    terms = Terms("expensive", ROWS, random.Random(7))
    drawn = [terms.draw() for _ in range(50)]
    assert len(set(drawn)) > 45
    assert all(expected is None for _, expected in drawn)
    assert {longest_word(term) for term, _ in drawn} == {COMMON_WORD}
    assert COMMON_WORD in child_qr_id(1)
