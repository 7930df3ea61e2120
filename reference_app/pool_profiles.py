"""The published pool profiles, and how the right one is detected: by the host name of the database.

Amazon's names: an instance or cluster is `<name>.<id>.<region>.rds.amazonaws.com`, an RDS Proxy endpoint has `proxy-`
before its id; in China the region comes after `rds` and the name ends in `.cn`. A CNAME hides all that, so the setting
`pool_profile` overrides it, and the server's role `rds_superuser` confirms it.
"""

import re
from dataclasses import dataclass

from sqlalchemy import make_url

HAS_RDS_ROLE = "SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = 'rds_superuser')"
_RDS_HOST = re.compile(r"\.rds(\.[a-z0-9-]+)?\.amazonaws\.com(\.cn)?\.?$", re.IGNORECASE)
_RDS_PROXY = re.compile(r"\.proxy-[a-z0-9]+(\.|$)", re.IGNORECASE)


@dataclass(frozen=True)
class PoolProfile:
    """The pool of a worker: connections kept, connections beyond them, and seconds until one is replaced or probed."""

    pool_size: int
    pool_max_overflow: int
    pool_recycle_s: int
    keepalives_idle_s: int


PROFILES = {
    "local": PoolProfile(pool_size=30, pool_max_overflow=20, pool_recycle_s=1800, keepalives_idle_s=5),
    "rds": PoolProfile(pool_size=40, pool_max_overflow=50, pool_recycle_s=280, keepalives_idle_s=30),
}


def detect(database_url: str) -> str:
    """The name of the profile for this database: `rds` by its host name, else `local`."""
    return "rds" if _RDS_HOST.search(_host(database_url)) else "local"


def is_proxy(database_url: str) -> bool:
    """True if the host is an RDS Proxy endpoint, which refuses start-up options."""
    host = _host(database_url)
    return bool(_RDS_HOST.search(host) and _RDS_PROXY.search(host))


def _host(database_url: str) -> str:
    """The host name of a URL, also in the form that libpq accepts: `postgresql:///db?host=name`."""
    if not database_url:
        return ""
    url = make_url(database_url)
    return url.host or str(url.query.get("host", ""))
