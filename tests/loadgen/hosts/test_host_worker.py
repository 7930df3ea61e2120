"""What a worker looks at before it is ready."""

import pytest

from loadgen.hosts import host_place
from loadgen.hosts.host_worker import require_same_place
from loadgen.target import Target
from workbench.errors import UserError


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]"])
def test_a_target_on_a_loopback_is_refused_where_the_run_has_another(host):
    target = Target.parse(f"http://{host}:8000")
    require_same_place(target, host_place.here())
    with pytest.raises(UserError, match="is another program on each host; name it by an address that all of them"):
        require_same_place(target, ["another kernel", "another network"])


def test_a_target_by_an_address_is_the_same_for_all():
    require_same_place(Target.parse("http://192.0.2.1:8000"), ["another kernel", "another network"])
