"""A statement that a database server carries out while this process does something else."""

from psycopg2.extensions import connection as Connection

from instrumentation import deadlines


class SentStatement:
    """A statement that was sent over an asynchronous connection of its own."""

    def __init__(self, connection: Connection, statement: str):
        self._connection = connection
        self._cursor = connection.cursor()  # psycopg2 needs it until the end of the statement
        self._cursor.execute(statement)

    def wait(self) -> None:
        """Wait for the end of the statement. Raises psycopg2's error if it has failed, or a deadline has passed."""
        deadlines.wait(self._connection)

    def close(self) -> None:
        """Close the connection; the server completes a statement that is not over."""
        self._connection.close()
