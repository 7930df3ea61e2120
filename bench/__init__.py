"""Measurements of what the workbench itself costs, against its peers: `make bench`."""

from workbench.interruption import exit_while_importing

exit_while_importing()
