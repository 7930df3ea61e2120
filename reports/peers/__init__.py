"""The page of a bench against peers: other load generators, and other ways from rows to a page."""
