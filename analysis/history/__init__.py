"""The recorded experiments over time: their headline metrics in one table, and where these changed."""

from .experiment_row import HEADLINE, durations_s, started
from .experiment_table import FENCE, history

__all__ = ["FENCE", "HEADLINE", "durations_s", "history", "started"]
