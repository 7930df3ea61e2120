"""Findings: what an experiment says of every claim, published or our own. `evaluation.evaluate` returns all of them."""
