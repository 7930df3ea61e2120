"""Readings beside the requests of a run: of processes, of the workers' pools and of the database server."""
