"""The memory of the application under test: its limit, its peak, and what the kernel ended for want of it."""
