"""Text of a request as it is recorded: the name of an endpoint, the kind of a failure."""

from functools import lru_cache

from workbench.redaction import redacted

MAX_REMEMBERED = 10_000  # names and kinds; a locustfile that does not group its URLs has more


@lru_cache(MAX_REMEMBERED)
def without_secrets(text: str) -> str:
    """Return the text without passwords and tokens, as a query has them that its user class did not name."""
    return redacted(text)
