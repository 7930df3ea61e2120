"""What happened under each fault: outcome of a run, recovery, targets, and the arms of an experiment with faults."""
