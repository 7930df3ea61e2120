"""Who may log in: the accounts of the dataset, all with one password."""

PASSWORD = "count every bag"


def username(number: int, accounts: int) -> str:
    """The account of the user with this number; more users than accounts share them."""
    return f"user{1 + number % accounts:03d}"
