"""An OpenAPI document: its parts by their place, references followed, and errors that name the place."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

from workbench.errors import UsageError
from workbench.redaction import redacted
from workbench.text_cleaning import Target, cleaned

from . import document_source

MAX_BYTES = 16 * 1024 * 1024
MAX_REFERENCES = 50  # that lead to each other, one after the other
MAX_SHOWN = 80  # characters of a value in a message
VERSIONS = ("3.0", "3.1")

Place = tuple[str | int, ...]  # keys from the top
Table = Mapping[str, Any]


@dataclass(frozen=True)
class OpenApiDocument:
    """A document of OpenAPI 3.0 or 3.1; `given` is the path or address that it was read from."""

    given: str
    content: Table

    @classmethod
    def read(cls, given: str) -> "OpenApiDocument":
        """Read a document. Raises `UsageError` for one that cannot be read, or is of another kind."""
        content = document_source.read(given, MAX_BYTES)
        document = cls(given, {"content": document_source.parsed(given, content, may_be_yaml=True)})
        document = cls(given, document.table(document.content, "content", (), required=True))
        document._require_version()
        return document

    @property
    def version(self) -> str:
        """The version of OpenAPI that it names."""
        return str(self.content["openapi"])

    @property
    def source(self) -> str:
        """What it is, for the files that are made of it."""
        return f"{document_source.shown(self.given)} (OpenAPI {self.version})"

    def _require_version(self) -> None:
        if "swagger" in self.content:
            raise self.error((), f"this is Swagger {_shown(self.content['swagger'])}, and OpenAPI 3.0 and 3.1 are "
                             "read; convert it, or give a recording with --har")  # fmt: skip
        version = self.content.get("openapi")
        if not isinstance(version, str | int | float) or not str(version).startswith(VERSIONS):
            problem = f"is OpenAPI {_shown(version)}" if version is not None else "has no openapi with a version"
            raise self.error((), f"this {problem}, and OpenAPI 3.0 and 3.1 are read; give another document, or a "
                             "recording with --har")  # fmt: skip

    def error(self, place: Place, problem: str) -> UsageError:
        """The error for a place of the document."""
        at = f", at {cleaned(_pointer(place), Target.LINE, MAX_SHOWN)}" if place else ""
        return UsageError(f"{document_source.shown(self.given)}{at}: {problem}")

    def table(self, holder: Table, key: str, place: Place, *, required: bool = False) -> Table:
        """The table under a key, its reference followed; an empty one where the key is missing.

        Raises `UsageError` for something else, or a missing one that is required.
        """
        if holder.get(key) is None and not required:
            return {}
        return self.resolved(holder.get(key), (*place, key) if place or key != "content" else ())

    def tables(self, holder: Table, key: str, place: Place) -> Iterator[tuple[Table, Place]]:
        """The tables of the list under a key, with their places. Raises `UsageError` where it is no such list."""
        entries = holder.get(key)
        if entries is not None and not isinstance(entries, list):
            raise self.error((*place, key), f"{_shown(entries)} is no list; correct the document")
        for number, entry in enumerate(entries or ()):
            at = (*place, key, number)
            yield self.resolved(entry, at), at

    def named_tables(self, holder: Table, key: str, place: Place) -> Iterator[tuple[str, Table, Place]]:
        """The tables in the table under a key, by their names. YAML has numbers as names too."""
        for name, entry in self.table(holder, key, place).items():
            at = (*place, key, str(name))
            yield str(name), self.resolved(entry, at), at

    def resolved(self, value: Any, place: Place) -> Table:
        """A table, or the one that its `$ref` leads to.

        Raises `UsageError` for something else, and for a reference that leads nowhere, elsewhere or back to itself.
        """
        seen: list[str] = []
        while isinstance(value, Mapping) and isinstance(reference := value.get("$ref"), str):
            if reference in seen or len(seen) > MAX_REFERENCES:
                raise self.error(place, f"$ref {_shown(reference)} leads back to itself; correct the document")
            seen.append(reference)
            value = self._target(reference, place)
        if not isinstance(value, Mapping):
            raise self.error(place, f"{_shown(value)} is no table; correct the document")
        return value

    def _target(self, reference: str, place: Place) -> Any:
        if not reference.startswith("#"):
            raise self.error(place, f"$ref {_shown(reference)} leads to another document, which is not read; put all "
                             "parts into one")  # fmt: skip
        value: Any = self.content
        for part in unquote(reference[1:]).split("/")[1:]:
            key = part.replace("~1", "/").replace("~0", "~")
            if isinstance(value, Mapping) and key in value:
                value = value[key]
            elif isinstance(value, list) and key.isdecimal() and int(key[:9]) < len(value):
                value = value[int(key[:9])]
            else:
                raise self.error(place, f"$ref {_shown(reference)} leads nowhere; correct the document")
        return value

    def title(self) -> str:
        """The name of the application; empty where it has none."""
        title = self.table(self.content, "info", ()).get("title")
        return title if isinstance(title, str) else ""

    def server(self) -> str:
        """The address of the first server, which may be a path alone; the defaults of its variables filled in."""
        for server, place in self.tables(self.content, "servers", ()):
            url = str(server.get("url") or "")
            for name, variable, _ in self.named_tables(server, "variables", place):
                url = url.replace(f"{{{name}}}", str(variable.get("default", "")))
            return url if "{" not in url else ""
        return ""

    def address(self) -> str:
        """The address of the application, without a path: where the document came from, or its first server."""
        for url in (self.given, self.server()):
            try:
                parts = urlsplit(url)
            except ValueError:
                continue
            if parts.scheme in ("http", "https") and parts.hostname:
                return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
        return ""

    def base_path(self) -> str:
        """The path before all others."""
        try:
            path = urlsplit(self.server()).path.rstrip("/")
        except ValueError:
            return ""
        return path if not path or path.startswith("/") else f"/{path}"


def _pointer(place: Place) -> str:
    return "#/" + "/".join(str(part).replace("~", "~0").replace("/", "~1") for part in place)


def _shown(value: Any) -> str:
    return cleaned(redacted(str(value)), Target.LINE, MAX_SHOWN)
