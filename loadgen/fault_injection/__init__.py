"""Faults under load: what makes each of them, and when."""
