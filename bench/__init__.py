"""Measurements of what the workbench itself costs, against its peers: `make bench`."""
