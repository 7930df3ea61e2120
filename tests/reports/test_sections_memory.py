"""The table of what fits into a memory limit."""

from analysis.findings import memory_limits
from reports.sections import memory
from reports.sections.comparison import Report
from tests.memory_readings import with_memory


def shown(experiment):
    return str(memory.memory(Report(experiment, list(memory_limits.costs(experiment)))))


def test_memory_has_a_row_with_the_workers_of_each_limit(builder):
    run = with_memory(builder.run("constrained-gevent-in-1-gib"), limit_mib=1024, peak_mib=650)
    page = shown(builder.experiment(run))
    for limit_mib, workers in ((512, 5), (1024, 11), (2048, 22), (4096, 46)):
        assert f'data-source="workers-in-{limit_mib}-mib-constrained-gevent-in-1-gib">{workers}<' in page


def test_memory_without_a_limit_in_any_run_is_nothing(builder):
    assert shown(builder.experiment(with_memory(builder.run()))) == ""
