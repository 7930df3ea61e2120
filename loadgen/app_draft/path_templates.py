"""The path of a recorded address as the name of an endpoint: ids in it become `[id]`, what may be secret a variable."""

import re
from urllib.parse import unquote

from .draft_request import Text, Variable
from .request_urls import PATH_CHARACTERS, encoded
from .secret_values import looks_secret
from .secret_variables import SecretVariables

ID, SECRET = "[id]", "[secret]"
_NUMBER = r"\d{1,19}"
_UUID = r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}"
_CODE = r"(?![vV]\d+$)[A-Za-z]{1,4}-?\d{2,12}(?:[-_]\d{1,12})*"  # SB00012, M444-00012
_ID = re.compile(rf"({_NUMBER}|{_UUID}|{_CODE})(\.[A-Za-z]{{1,5}})?")
# Whoever knows an address behind one of these may act for its owner.
_CAPABILITY = re.compile(
    r"(?i).*(?:reset|invit|verif|confirm|activat|token|share|magic|unsubscribe|secret|password|download|key).*"
)


def template(path: str, variables: SecretVariables) -> tuple[str, Text]:
    """The name of the endpoint of a path, and the path in parts, as it is requested."""
    names: list[str] = []
    parts: list[str | Variable] = []
    for part in path.split("/")[1:]:
        part = part.partition(";")[0]  # behind it are parameters, such as the id of a session
        name, text = _part(part, names, variables)
        names.append(name)
        parts += ["/", text]
    return "/" + "/".join(names), tuple(parts) or ("/",)


def _part(part: str, before: list[str], variables: SecretVariables) -> tuple[str, str | Variable]:
    is_capability = bool(before) and _CAPABILITY.fullmatch(before[-1]) is not None
    if match := _ID.fullmatch(part):
        is_uuid = len(match[1]) == 36
        if not (is_capability and (is_uuid or len(match[1]) > 8)) and (is_uuid or not looks_secret(part)):
            return ID + (match[2] or ""), part
    if looks_secret(part) or (is_capability and len(part) >= 8 and any(map(str.isdigit, part))):
        return SECRET, variables.variable("path_secret", f"a part of the path /{'/'.join(before)}", part)
    return unquote(part), encoded(part, PATH_CHARACTERS)
