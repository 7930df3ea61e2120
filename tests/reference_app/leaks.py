"""Internals that no response may show."""

import re

from workbench.paths import REPOSITORY

LEAK = re.compile(
    "Traceback|psycopg2|sqlalchemy|werkzeug|site-packages|postgresql|FROM tracetrack|INSERT INTO"
    rf"|scrypt:|\$argon2|\.py\b|{re.escape(str(REPOSITORY))}"
)
