"""The form that starts an experiment: what is chosen is what is started, and a refusal is shown below."""

import pytest

from lab import live_form
from lab.live_form import StartForm
from workbench.errors import UsageError


@pytest.fixture
def started(monkeypatch):
    """The arguments with which the form starts an experiment; every start is refused."""
    calls = []

    def refuse(profile, **options):
        calls.append((profile, options))
        raise UsageError("a measurement goes on")

    monkeypatch.setattr(live_form, "start_experiment", refuse)
    return calls


def test_what_is_chosen_is_started_and_a_refusal_is_shown(started):
    form = StartForm("database")
    form._button.click()
    form.until_decided.value, form.most.value = True, 12
    form._button.click()
    assert started == [("database", {}), ("database", {"until_decided": 12})]
    assert "a measurement goes on" in form._below.children[0].value
    assert repr(form).startswith("Profile database, blocks until decided, at most 12")
    assert form._repr_mimebundle_()["text/plain"] == repr(form)
