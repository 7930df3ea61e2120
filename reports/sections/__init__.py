"""The sections of the page, in its order: each is a sentence, a figure or two, and folds with everything behind them.

Every value in a sentence is a finding, a published value or a setting, see `reports.numerals`.

To add a section: a function of the report in a module of its own, its name below, and a cell in
`notebooks/03-report.ipynb`.
"""

from .advice import advice
from .changes import changes
from .claims import claims
from .comparison import Report
from .faults import faults
from .published import published
from .soak import soak
from .sources import sources
from .times import times
from .trust import trust
from .users import users
from .verdict import headline, title, verdict
from .why import why

__all__ = [
    "Report",
    "advice",
    "changes",
    "claims",
    "faults",
    "headline",
    "published",
    "soak",
    "sources",
    "times",
    "title",
    "trust",
    "users",
    "verdict",
    "why",
]
