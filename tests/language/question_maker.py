"""Questions for the protocol server, also importable by a script that a test starts."""

from qevd_bio.language.reading import Unreadable, read_object
from qevd_bio.language.request import Message, Request


def read_value(text):
    value = read_object(text).get("value")
    if not isinstance(value, int) or not 0 <= value < 256:
        raise Unreadable("wrong_types", "value is no number 0..255")
    return value


def questions(count, alias=True, schema=True):
    return (
        Request(
            id=str(i),
            messages=(Message("system", ("Answer.",)), Message("user", (f"question {i}",))),
            schema={"type": "object"} if schema else None,
            read=read_value,
            alias=f"alias-{i}" if alias else "",
        )
        for i in range(count)
    )
