"""`GET /health`: whether this worker serves and reaches its database and its store, and which pool profile it found."""

from flask import Blueprint, current_app, jsonify
from sqlalchemy import text

from . import pool_profiles
from .database import connection, rows

blueprint = Blueprint("health", __name__)

REACHABLE = text(pool_profiles.ROLE)


@blueprint.get("/health")
def health():
    """`confirmed` tells whether the server's roles agree with the profile; `store` is null where none is used.

    Without its store the application serves what it can, so that is no reason to take it out of service.
    """
    settings = current_app.settings
    with connection() as opened:
        ((on_rds,),) = (tuple(row.values()) for row in rows(opened, REACHABLE))
    profile = {
        "name": settings.profile,
        "found_by": "host name" if settings.pool_profile == "auto" else "setting",
        "confirmed": on_rds == (settings.profile == "rds"),
    }
    store = current_app.extensions["store"]
    reached = store and ("ok" if store.is_there() else "away")
    return jsonify(status="ok", pool_profile=profile, store=reached)
