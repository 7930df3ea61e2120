import pytest

from tests.loadgen.page_server import LOCUSTFILE, Pages, listening


@pytest.fixture(scope="module")
def pages():
    with listening(Pages) as url:
        yield url


@pytest.fixture
def locustfile(tmp_path):
    (tmp_path / "mine.py").write_text(LOCUSTFILE)
    return str(tmp_path / "mine.py")
