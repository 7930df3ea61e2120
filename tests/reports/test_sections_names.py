"""The labels of set-ups and loads on the page: one for each name of a record, also within sentences."""

import re

import pytest

from loadgen.deployments import DEPLOYMENTS
from reports.sections import names
from workbench.arms import BASELINE, LABELS

RAW = re.compile(r"(?<![\w-])(?:as-measured|as-advised|as-claimed|burst-\d+|sustained-\d+|tuned-with)")


@pytest.mark.parametrize(
    ("name", "label"),
    [
        (BASELINE, LABELS[BASELINE]),
        ("as-measured-with-trigram", "published set-up, run here: trigram index"),
        ("tuned-without-argon2", "tuned with scrypt"),
        ("tuned-without-argon2-and-cache", "tuned with scrypt, without caches"),
        ("tuned-without-a-thing-of-mine", "tuned without a thing of mine"),
        ("mine", "mine"),
    ],
)
def test_a_set_up_has_a_label(name, label):
    assert names.set_up(name) == label


def test_no_two_set_ups_share_a_label():
    labels = [names.set_up(name) for name in DEPLOYMENTS]
    assert len(labels) == len(set(labels))
    assert [label for label in labels if RAW.search(label)] == []


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("burst-50", "50 users at once"),
        ("burst-50-mix", "50 users at once, mixed terms"),
        ("sustained-100-write", "100 users with think time, a fifth writes"),
        ("open-20", "20 requests/s"),
        ("single", "single requests"),
        ("burst-50-mine", "burst-50-mine"),
    ],
)
def test_a_load_has_a_label(name, label):
    assert names.load(name) == label


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("no valid run of single on tuned", "no valid run of single requests on tuned"),
        ("1 connection under missing-table", "1 connection under a missing table"),
        ("median 2 ms, reads on as-measured", "median 2 ms, single reads on the published set-up"),
        ("see 1-01-as-measured-burst-50", "see 1-01-as-measured-burst-50"),
        ("a single value; it reads well", "a single value; it reads well"),
    ],
)
def test_a_sentence_has_labels_in_the_place_of_names(text, shown):
    assert names.in_labels(text) == shown


def test_every_finding_is_shown_in_labels_alone(reports):
    for finding in reports("full").findings:
        for text in (finding.claim, finding.evidence):
            shown = names.in_labels(text)
            assert not RAW.search(shown), text
            assert names.in_labels(shown) == shown
