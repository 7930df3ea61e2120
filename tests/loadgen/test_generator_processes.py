"""The processes of a load generator with several of them."""

import psutil

from tests.loadgen.run_process import RunProcess

TWO = ("--scenario", "sustained-4", "--duration", "8", "--warmup", "0", "--processes", "2")


def test_the_master_listens_on_this_machine_only(command, pages, locustfile):
    running = RunProcess(command, ("run", "--target", pages, "--locustfile", locustfile, *TWO))
    with running.process as process:
        generators = psutil.Process(process.pid).children(recursive=True)
        connections = [each for generator in generators for each in generator.net_connections("tcp")]
        assert {each.laddr.ip for each in connections if each.status == "LISTEN"} == {"127.0.0.1"}
        process.communicate(timeout=60)
