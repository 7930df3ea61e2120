"""OpenAPI documents and recordings of a small shop, and what a draft of them has."""

import json
from datetime import UTC, datetime, timedelta

ORIGIN = "http://127.0.0.1:8000"
BEGIN = datetime(2026, 11, 30, 8, tzinfo=UTC)


def openapi(paths, version="3.1.0", **more):
    """A document with these paths."""
    return {"openapi": version, "info": {"title": "Shop", "version": "1"}, "paths": paths, **more}


def get(*parameters, **more):
    """The description of an operation with these parameters."""
    return {"parameters": list(parameters), "responses": {"200": {"description": "Done"}}, **more}


def parameter(name, place="query", **more):
    """The description of a parameter."""
    return {"name": name, "in": place, "required": place == "path" or "required" in more, **more}


def write(folder, document, name="openapi.json"):
    """Write a document as JSON; return its path."""
    path = folder / name
    path.write_text(json.dumps(document))
    return str(path)


def entry(url, after_s=0.0, method="GET", status=200, mime="application/json", **more):
    """An entry of a HAR file: a request that was sent so many seconds after the first, and took 100 ms."""
    headers, body = more.pop("headers", {}), more.pop("body", None)
    set_cookies = more.pop("set_cookies", [])
    request = {
        "method": method, "url": url if "://" in url else f"{ORIGIN}{url}", "httpVersion": "HTTP/1.1",
        "headers": [{"name": name, "value": value} for name, value in headers.items()],
    }  # fmt: skip
    if body is not None:
        kind, text = body
        request["postData"] = {"mimeType": kind, "text": text}
    response = {
        "status": status, "headers": [{"name": "Set-Cookie", "value": line} for line in set_cookies],
        "content": {"size": 2, "mimeType": mime}, "redirectURL": "",
    }  # fmt: skip
    started = (BEGIN + timedelta(seconds=after_s)).isoformat().replace("+00:00", "Z")
    return {"startedDateTime": started, "time": 100, "request": request, "response": response, **more}


def har(*entries):
    """A HAR file with these entries."""
    return {"log": {"version": "1.2", "creator": {"name": "test", "version": "1"}, "entries": list(entries)}}
