"""The named deployments."""

import pytest

from loadgen import deployments, profiles
from loadgen.deployment import CORES, PerCore
from reference_app.settings import Settings
from workbench.arms import TUNED, WITH, WITHOUT
from workbench.errors import UserError


def test_settings_for_an_unknown_name_lists_the_known_ones():
    with pytest.raises(UserError, match="'nothing'; choose one of as-measured"):
        deployments.settings_for("nothing")


def test_differences_are_those_from_the_parent():
    assert deployments.differences("as-measured") == {}
    assert deployments.differences("as-claimed") == {"cache": ("off", "process")}
    assert deployments.differences("tuned")["server"] == ("sync", "gthread")
    assert deployments.differences("tuned-with-one-worker") == {"workers": (PerCore(1), 1)}


def test_settings_per_core_have_the_number_of_cores_of_this_machine():
    assert deployments.settings_for("tuned").workers == CORES
    assert deployments.settings_for("tuned-without-pool").max_connections == 64 * CORES + 20


@pytest.mark.parametrize(
    "name", [name for name in deployments.DEPLOYMENTS if name != TUNED and (WITH in name or WITHOUT in name)]
)
def test_a_name_with_or_without_something_begins_with_its_parent(name):
    deployment = deployments.DEPLOYMENTS[name]
    assert name.startswith(deployment.parent)
    assert deployments.differences(name)


def test_without_one_are_the_arms_of_the_ablation():
    assert {"tuned-without-cache", "tuned-without-hash-limit"} <= set(deployments.without_one())
    assert "tuned-without-cache-with-5-ms" not in deployments.without_one()
    assert "tuned-without-cache-and-index" in deployments.without_two()
    assert not set(deployments.without_one()) & set(deployments.without_two())
    ablation = {arm.deployment for arm in profiles.declared()["ablation"].arms}
    assert ablation == {TUNED, *deployments.without_one(), *deployments.without_two()}


@pytest.mark.parametrize("name", deployments.DEPLOYMENTS)
def test_a_deployment_that_unpickles_its_sessions_is_described_so(name):
    settings = deployments.settings_for(name)
    is_published = settings.sessions in ("filesystem", "flask-session-redis")
    assert settings.unpickles == is_published
    assert (deployments.UNPICKLES in deployments.describe(name)) == is_published


def test_neither_the_recommended_deployment_nor_the_default_unpickles():
    assert not deployments.settings_for(TUNED).unpickles
    assert not Settings(database_url="", secret_key="").unpickles


def test_the_published_deployments_keep_their_sessions():
    kinds = {name: deployments.settings_for(name).sessions for name in ("as-measured", "as-claimed", "as-advised")}
    assert kinds == {"as-measured": "filesystem", "as-claimed": "filesystem", "as-advised": "flask-session-redis"}
