"""Which names say that their value is a secret or personal: of fields, parameters and headers, and parts of paths.

A name is read as its words, however these are joined: `securityCode`, `security_code` and `security-code` are one.
"""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

from workbench.redaction import is_secret_name

MAX_NAME_CHARACTERS = 200
MAX_JOINED = 3  # words that are looked up together
_SESSIONS = re.compile(r"(?i)(?:.*[_.-])?(?:\w*sess(?:ion)?(?:[_-]?id)?|card(?:[_-]?number)?)")
_SESSION_BOUND = re.compile(r"(?i).*(?:csrf|xsrf|authenticity|requestverification|nonce|viewstate|eventvalidation).*")
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+|[^\W\d_A-Za-z]+")


def _listed(names: str) -> frozenset[str]:
    """The names of a text, without capitals and separators."""
    return frozenset(names.split())


# Words, and words in a row, that make a name one of a secret wherever they stand in it.
_SECRET = _listed(
    """
    password passwords passwd passphrase passcode passwort kennwort pwd secret secrets credential credentials
    apikey accesskey privatekey signingkey encryptionkey recoverykey securitykey jwt bearer codeverifier sid
    signature otp totp hotp mfa 2fa pin pincode pinnumber tan cvv cvc csc securitycode verificationcode
    verifycode confirmationcode confirmcode activationcode authcode authorizationcode authenticationcode
    accesscode smscode emailcode logincode signincode resetcode recoverycode backupcode onetimecode invitecode
    invitationcode devicecode usercode mfacode couponcode vouchercode giftcode giftcard onetimepassword
    securityanswer secretanswer securityquestion secretquestion maiden mothersmaidenname mothersname birth
    birthday birthdate dateofbirth dob
    """
)
# Words that do so only at the end of a name: `email` is personal, `email_template` is not.
_LAST = _listed(
    """
    ticket cookie cookies assertion email mail emailaddress phone telephone tel mobile phonenumber mobilenumber
    faxnumber iban bic ssn socialsecurity taxid passport passportnumber nationalid birthname firstname lastname
    surname familyname givenname middlename fullname street address creditcard cardnumber cardholder
    accountnumber
    """
)
_WHOLE = frozenset(("code", "tokens"))  # a name of their own, not a part of one: `country_code`, `max_tokens`
_USER = _listed("user username login userlogin loginname")  # the end of a name
# Of `{"name": "password", "value": "x"}`: what has the name of a field, and what has its value.
_NAMING = _listed("name key field id label parameter param property attribute header type")
_VALUES = _listed("value values val content text data answer")
# What stands beside a `state` that belongs to one sign-in (OAuth 2).
_OF_SIGN_IN = frozenset(("code", "client_id", "response_type", "redirect_uri", "session_state"))
# Parts of a path after which the next part is always treated as a secret, such as the token after `reset`.
_TELLING = _listed(
    """
    reset resets verify verification confirm confirmation activate activation token tokens secret secrets
    password passwords passwd passcode pin otp totp phone tel mobile ssn iban dob unsubscribe magic magiclink
    jwt sid apikey accesskey resetpassword passwordreset forgotpassword verifyemail confirmemail
    """
)
_SHARED = _listed(
    """
    invite invites invitation invitations share shares shared sharing download downloads dl key keys apikeys
    hook hooks webhook webhooks optout
    """
)
# What follows such a name in the addresses of pages that have no secret.
_PAGES = _listed(
    """
    new edit list all status latest refresh request requests done complete success sent send form index create
    delete update check change forgot settings search email start begin resend validate login accept decline
    """
)


def words(name: str) -> list[str]:
    """The words of a name in small letters: of `userPIN-2` user, pin and 2."""
    return [word.lower() for word in _WORD.findall(name)]


def has_secret_name(name: str) -> bool:
    """Whether what has this name is a secret or personal, whatever it looks like."""
    if len(name) > MAX_NAME_CHARACTERS:
        return True
    name = unquote(name)
    parts = [part for part in re.split(r"[\[\]]", name) if part]  # user[password]
    if is_session_bound(name) or any(is_secret_name(part) or _SESSIONS.fullmatch(part) for part in parts):
        return True
    named = words(name)
    last = "".join(words(parts[-1])) if parts else ""
    return _in(_SECRET, named) or bool(_endings(named) & (_LAST | _USER)) or last in _WHOLE


def secret_by_others(fields: Mapping[str, Any]) -> set[str]:
    """The names of the fields that are secret because of the fields beside them."""
    by_word = {name: name.lower() for name in fields}
    naming = [name for name, word in by_word.items() if word in _NAMING and isinstance(fields[name], str)]
    is_pair = any(by_word[name] == "key" or has_secret_name(fields[name]) for name in naming)
    secret = {name for name, word in by_word.items() if is_pair and word in _VALUES}
    return secret | {name for name, word in by_word.items() if word == "state" and _OF_SIGN_IN & {*by_word.values()}}


def may_be_id(name: str) -> bool:
    """Whether a number of this name is an id, as it is of `user`, and not a secret."""
    return words(name)[-1:] == ["user"]


def is_session_bound(name: str) -> bool:
    """Whether a value of this name belongs to one page or session, so that it cannot be sent once more."""
    return _SESSION_BOUND.fullmatch(name) is not None


def is_telling(before: str, part: str) -> bool:
    """Whether a part of a path is a secret because of the part before it; a number may be the id of what is shared."""
    if not part or is_page(part):
        return False
    named = words(before)
    return _in(_TELLING, named) or (_in(_SHARED, named) and not (part.isdecimal() and len(part) <= 8))


def is_page(part: str) -> bool:
    """Whether a part of a path is the name of a page: all of its words are such, or those before a secret."""
    named = words(part)
    return bool(named) and all(word in _PAGES or word in _TELLING or word in _SHARED for word in named)


def _endings(named: list[str]) -> set[str]:
    """The last words put together, without the number of a name as `email2`."""
    named = named[:-1] if named and named[-1].isdecimal() else named
    return {"".join(named[-count:]) for count in range(1, MAX_JOINED + 1)}


def _in(names: frozenset[str], named: list[str]) -> bool:
    """Whether some words in a row, put together, are one of the names."""
    return any(
        "".join(named[begin : begin + count]) in names
        for begin in range(len(named))
        for count in range(1, MAX_JOINED + 1)
    )
