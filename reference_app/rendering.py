"""Pages and JSON documents as text, by the templates and the JSON of the application that serves."""

from typing import Any

from flask import current_app


def page(template: str, **values: Any) -> str:
    """The page of a template."""
    return current_app.jinja_env.get_template(template).render(values)


def json_document(**content: Any) -> str:
    """An object as `flask.jsonify` writes it."""
    return f"{current_app.json.dumps(content)}\n"
