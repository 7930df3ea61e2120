"""The generator beside other load generators, and the page beside other ways from rows to a page."""
