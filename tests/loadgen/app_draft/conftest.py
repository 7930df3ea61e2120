"""The draft of a recording."""

import pytest

from loadgen.app_draft import recorded_draft
from tests.loadgen.app_draft.documents import har, write


@pytest.fixture
def draft_of(tmp_path):
    """The draft of a recording with these entries."""

    def make(*entries, **options):
        return recorded_draft.draft(write(tmp_path, har(*entries), "shop.har"), **options)

    return make
