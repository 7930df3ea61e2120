"""File names of the pages of benches against peers."""

PEERS_PAGE = "peers.html"  # of the newest bench


def peers_page_name(bench: str) -> str:
    """The file name of the page of a bench."""
    return f"peers-{bench}.html"
