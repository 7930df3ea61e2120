"""Results of other tools as runs of an experiment: a module for each format, and writers of run and experiment."""
