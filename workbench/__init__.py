"""What the other packages share: request columns, run records, reading and validity of recorded runs, paths, errors.

It imports none of them.
"""
