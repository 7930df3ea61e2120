"""`GET /health`: whether this worker serves and reaches its database and its store, and which pool profile it uses."""

from flask import Blueprint, current_app, jsonify
from flask.typing import ResponseReturnValue
from sqlalchemy import text

from . import pool_profiles
from .database import read
from .settings import current_settings

blueprint = Blueprint("health", __name__)

HAS_RDS_ROLE = text(pool_profiles.HAS_RDS_ROLE)


@blueprint.get("/health")
def health() -> ResponseReturnValue:
    """`confirmed` says whether the server's roles agree with the profile; `store` is null where none is used.

    A worker without its store stays in service: it answers with what it has.
    """
    settings = current_settings()
    (row,) = read(HAS_RDS_ROLE)
    (is_rds,) = row.values()
    profile = {
        "name": settings.profile,
        "found_by": "host name" if settings.pool_profile == "auto" else "setting",
        "confirmed": is_rds == (settings.profile == "rds"),
    }
    store = current_app.extensions["store"]
    state = store and ("ok" if store.is_available() else "away")
    return jsonify(status="ok", pool_profile=profile, store=state)
