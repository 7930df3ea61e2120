"""`GET /openapi.json`: the machine-readable description of this application."""

from pathlib import Path

from flask import Blueprint, Response

blueprint = Blueprint("openapi", __name__)

DESCRIPTION = Path(__file__).with_name("openapi.json").read_bytes()


@blueprint.get("/openapi.json")
def description() -> Response:
    """The description."""
    return Response(DESCRIPTION, content_type="application/json")
