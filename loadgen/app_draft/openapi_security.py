"""What an OpenAPI operation requires of its client: a credential, which a draft takes from the environment."""

from collections.abc import Mapping
from dataclasses import dataclass

from .draft_request import Text
from .openapi_document import OpenApiDocument, Place, Table
from .openapi_parameters import COOKIE, HEADER, HEADER_NAME, QUERY
from .secret_variables import SecretVariables

TOKEN, BASIC = "token", "basic_credentials"


@dataclass(frozen=True)
class Credential:
    """Where a credential stands: `place` is that of a parameter, `name` its name there, `text` its value.

    One that is not `needed` may be left out, as far as the document says.
    """

    place: str
    name: str
    text: Text
    needed: bool = True


@dataclass(frozen=True)
class Security:
    """The security schemes of a document."""

    document: OpenApiDocument
    schemes: Mapping[str, Table]

    @classmethod
    def of_document(cls, document: OpenApiDocument) -> "Security":
        """The schemes by name. Raises `UsageError` for what is none."""
        components = document.table(document.content, "components", ())
        named = document.named_tables(components, "securitySchemes", ("components",))
        return cls(document, {name: scheme for name, scheme, _ in named})

    def credentials(
        self, operation: Table, place: Place, variables: SecretVariables
    ) -> tuple[list[Credential], list[str]]:
        """The credentials of the first alternative that can be sent, or why there is none, each a sentence."""
        alternatives = self._alternatives(operation, place)
        gaps: list[str] = []
        for names in alternatives:
            credentials = [each for name in names if (each := self._credential(name, variables))]
            if len(credentials) == len(names):
                return credentials, []
            gaps = ["It needs a credential that is neither a header, a query nor a cookie: write how it is sent."]
        return [], gaps

    def _alternatives(self, operation: Table, place: Place) -> list[list[str]]:
        """The names of the schemes of each alternative; none where the operation may be called without."""
        holder, at = (operation, place) if "security" in operation else (self.document.content, ())
        alternatives = [list(map(str, entry)) for entry, _ in self.document.tables(holder, "security", at)]
        return alternatives if all(alternatives) else []

    def _credential(self, name: str, variables: SecretVariables) -> Credential | None:
        scheme = self.schemes.get(name, {})
        kind, word = scheme.get("type"), str(scheme.get("scheme", "")).lower()
        if kind in ("oauth2", "openIdConnect") or (kind, word) == ("http", "bearer"):
            variable = variables.variable(TOKEN, "the token of the header Authorization: Bearer")
            return Credential(HEADER, "Authorization", ("Bearer ", variable))
        if (kind, word) == ("http", "basic"):
            variable = variables.variable(BASIC, "the header Authorization: Basic, user:password in base64")
            return Credential(HEADER, "Authorization", ("Basic ", variable))
        return _api_key(scheme, variables) if kind == "apiKey" else None


def _api_key(scheme: Table, variables: SecretVariables) -> Credential | None:
    place, name = scheme.get("in"), scheme.get("name")
    if place not in (HEADER, QUERY, COOKIE) or not isinstance(name, str) or not HEADER_NAME.fullmatch(name):
        return None
    return Credential(place, name, (variables.variable(name, f"the {place} {name}"),))
