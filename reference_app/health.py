"""`GET /health`: whether this worker serves and reaches its database."""

from flask import Blueprint, jsonify
from sqlalchemy import text

from .database import connection, rows

blueprint = Blueprint("health", __name__)

REACHABLE = text("SELECT 1 AS reachable")


@blueprint.get("/health")
def health():
    with connection() as opened:
        rows(opened, REACHABLE)
    return jsonify(status="ok")
