"""Recordings on a Dask cluster and in an object store: real processes of both, which make test-extra runs."""
