"""The accounts of the dataset, all with one password."""

PASSWORD = "count every bag"


def username(number: int, accounts: int) -> str:
    """The account name of a user, counted from 0; users beyond the number of accounts share them."""
    return f"user{1 + number % accounts:03d}"
