"""The order in which the contexts of the independence test run."""

from bench.run_independence import CONTEXTS, REFERENCE, orders


def test_every_block_has_each_context_once_and_blocks_differ():
    drawn = orders(10)
    assert all(sorted(order) == sorted(CONTEXTS) for order in drawn)
    assert len(set(map(tuple, drawn))) > 1
    assert orders(10) == drawn


def test_contexts_differ_from_the_reference_in_one_thing():
    before, measured = CONTEXTS[REFERENCE]
    for name, (other_before, other_measured) in CONTEXTS.items():
        assert (other_before != before) + (other_measured != measured) == (name != REFERENCE)
