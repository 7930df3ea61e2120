"""`instrument` called with what cannot be instrumented, and two applications on one port."""

import pytest
from flask import Flask
from quart import Quart
from sqlalchemy import create_engine

from instrumentation import instrument, instrument_asgi
from instrumentation.instrumented_worker import PORT_VARIABLE
from tests.conftest import Visitor
from tests.instrumentation.test_drop_in import FLASK, WITHOUT_ENGINE, serving


@pytest.fixture
def engine():
    engine = create_engine("sqlite://")
    yield engine
    engine.dispose()


def test_an_application_is_instrumented_once(engine):
    app = Flask("shop")
    instrument(app, engine)
    with pytest.raises(ValueError, match="the application shop is instrumented already; call instrument once"):
        instrument(app, create_engine("sqlite://"))


def test_an_asynchronous_application_is_instrumented_once(engine):
    with pytest.raises(ValueError, match="instrumented already; call instrument_asgi once"):
        instrument_asgi(instrument_asgi(Quart("shop"), engine))


def test_an_engine_is_instrumented_once(engine):
    instrument(Flask("one"), engine)
    with pytest.raises(ValueError, match="the engine is instrumented already; give each application an engine of its"):
        instrument(Flask("other"), engine)


@pytest.mark.parametrize("given", ["sqlite://", 5, object()])
def test_what_is_no_engine_is_named_with_its_type(given):
    with pytest.raises(TypeError, match=f"engine is {type(given).__name__}, and must be an engine of SQLAlchemy"):
        instrument(Flask("shop"), given)


@pytest.mark.parametrize("port", ["abc", "", "0", "-1", "65536", "9464.5", "٣"])
def test_a_variable_that_is_no_port_is_named(monkeypatch, port):
    monkeypatch.setenv(PORT_VARIABLE, port)
    with pytest.raises(ValueError, match=f"{PORT_VARIABLE} is '{port}'; it must be a port, from 1 to 65535"):
        instrument(Flask("shop"))


def test_an_argument_that_is_no_port_is_named():
    with pytest.raises(ValueError, match="port is '70000'; it must be a port"):
        instrument(Flask("shop"), port=70000)


def test_two_applications_do_not_share_a_port(tmp_path):
    first, second = tmp_path / "first", tmp_path / "second"
    second.mkdir()
    first.mkdir()
    (second / "page.py").write_text(WITHOUT_ENGINE)
    command = [FLASK[0], "-m", "gunicorn", "--chdir", str(second), "page:app"]
    with serving([*FLASK, "flask_blog:app"], first) as blog:
        snapshot = blog.monitor().snapshot(lambda shown: shown["workers"])
        with serving(command, second, blog.port) as page:
            assert Visitor(page.url).get("/").text == "here"
            answer = Visitor(page.url).get("/monitor")
            assert answer.status == 503
            assert f"port {blog.port} is that of the monitor of another application, flask_blog in" in answer.text
            (line,) = [line for line in page.lines() if "no /metrics" in line]
            assert "choose another port" in line
            assert len(blog.monitor().snapshot(lambda shown: shown["workers"])["workers"]) == len(snapshot["workers"])


def test_the_monitors_of_two_applications_are_open_at_once(tmp_path):
    folders = [tmp_path / name for name in ("first", "second")]
    for folder in folders:
        folder.mkdir()
    with serving([*FLASK, "flask_blog:app"], folders[0]) as one, serving([*FLASK, "flask_blog:app"], folders[1]) as two:
        cookies = [served.monitor().cookie for served in (one, two)]
        both = "; ".join(cookies)
        for served in (one, two):
            client = served.monitor()
            client.cookie = both
            assert client.get("/monitor")[0] == 200
