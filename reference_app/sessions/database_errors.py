"""A failure of the database, where it is the store of sessions."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import SQLAlchemyError

from ..store import StoreUnavailable


@contextmanager
def as_store_errors() -> Iterator[None]:
    """Raise `StoreUnavailable` in the place of any error of the database in the block."""
    try:
        yield
    except SQLAlchemyError as error:
        raise StoreUnavailable(str(error).split("\n")[0]) from error
