"""The figures of the published report; `data/published/README.md` says where each file comes from."""

import pandas as pd

from . import directories


def load(name: str) -> pd.DataFrame:
    """One file of `data/published`, named without its ending; units are in the column names."""
    known = sorted(path.stem for path in directories.PUBLISHED.glob("*.csv"))
    if name not in known:
        raise ValueError(f"unknown published table: {name}; known: {', '.join(known)}")
    return pd.read_csv(directories.PUBLISHED / f"{name}.csv")
