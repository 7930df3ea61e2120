"""Measurements of the load generator and of the time split, compared with known values."""
