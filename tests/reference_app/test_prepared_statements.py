"""No driver prepares statements at the server, which would then plan a search without its term."""

from contextlib import closing
from dataclasses import replace

import pytest
import sqlalchemy

from reference_app.engine import create_engine
from reference_app.search import SEARCH

USES = 12  # psycopg 3 prepares a statement at its sixth use, unless told otherwise


@pytest.mark.parametrize("driver", ["psycopg2", "psycopg3"])
def test_a_search_that_is_often_used_is_not_prepared(settings, driver):
    engine = create_engine(replace(settings, driver=driver, pool_timed=False))
    try:
        with closing(engine.connect()) as connection:
            for number in range(USES):
                values = {"word": "%000%", "pattern": f"%{number:03x} 000%", "limit": 50}
                connection.execute(SEARCH, values).all()
            prepared = connection.execute(sqlalchemy.text("SELECT count(*) FROM pg_prepared_statements")).scalar_one()
    finally:
        engine.dispose()
    assert prepared == 0
