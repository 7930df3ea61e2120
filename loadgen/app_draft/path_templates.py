"""The path of a recorded address as the name of an endpoint: ids in it become `[id]`, what may be secret a variable."""

import re
from urllib.parse import unquote

from .draft_request import Text, Variable
from .request_urls import PATH_CHARACTERS, encoded
from .secret_names import is_telling
from .secret_values import looks_secret
from .secret_variables import SecretVariables

ID, SECRET = "[id]", "[secret]"
_NUMBER = r"\d{1,19}"
_UUID = r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}"
_CODE = r"(?![vV]\d+$)[A-Za-z]{1,4}-?\d{2,12}(?:[-_]\d{1,12})*"  # SB00012, M444-00012
_ID = re.compile(rf"({_NUMBER}|{_UUID}|{_CODE})(\.[A-Za-z]{{1,5}})?")
# Behind a name with one of these in it a longer part with digits is a secret, though the name is of other words.
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
    if _is_secret(part, before[-1] if before else ""):
        return SECRET, variables.variable("path_secret", f"a part of the path /{'/'.join(before)}", part)
    if match := _ID.fullmatch(part):
        return ID + (match[2] or ""), part
    return unquote(part), encoded(part, PATH_CHARACTERS)


def _is_secret(part: str, before: str) -> bool:
    """Whether a part of a path may be a secret, by what it looks like and by the name before it."""
    if is_telling(before, part):
        return True
    is_capability = _CAPABILITY.fullmatch(before) is not None
    if match := _ID.fullmatch(part):
        is_uuid = len(match[1]) == 36
        return (is_capability and (is_uuid or len(match[1]) > 8)) or (not is_uuid and looks_secret(part))
    has_digits = any(map(str.isdigit, part))
    is_further = before == SECRET and not part.isdecimal()  # the second part of what the first one is of
    return looks_secret(part) or (has_digits and (is_further or (is_capability and len(part) >= 8)))
