"""A message that a user sees: one line that has what it must."""


def require_one_line(excinfo, *words):
    message = excinfo.value.message
    assert "\n" not in message
    assert all(word in message for word in words), message
