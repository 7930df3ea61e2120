"""The figures of the published report; `data/published/README.md` says where each file comes from."""

import pandas as pd

from workbench import paths


def load(name: str) -> pd.DataFrame:
    """One file of `data/published`, named without its ending; units are in the column names."""
    known = sorted(path.stem for path in paths.PUBLISHED.glob("*.csv"))
    if name not in known:
        raise ValueError(f"unknown published table: {name}; known: {', '.join(known)}")
    return pd.read_csv(paths.PUBLISHED / f"{name}.csv")
