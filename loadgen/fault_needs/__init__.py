"""What faults need before a run starts, and what of that this machine lacks."""
