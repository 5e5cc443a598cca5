"""JSON as clients send it: what cannot be read is told in a sentence of our own."""

import codecs

import orjson

ENCODED_OTHERWISE = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


class Unreadable(Exception):
    """The text is not JSON that we take; the message is a sentence for its author."""


def read_json(text: bytes | str) -> object:
    """The value that the text stands for. Raises Unreadable."""
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise Unreadable(_reason(text, error)) from None


def _reason(text: bytes | str, error: orjson.JSONDecodeError) -> str:
    raw = text if isinstance(text, bytes) else text.encode(errors="surrogatepass")
    if not raw.strip():
        return "The request is empty."
    if raw.startswith(codecs.BOM_UTF8):
        return "The JSON begins with a byte order mark; leave it out."
    if raw.startswith(ENCODED_OTHERWISE) or not _is_utf8(raw):
        return "The JSON is not in UTF-8."
    match error.msg:
        case said if "surrogate" in said:
            return "The JSON holds half of a surrogate pair, which is no character."
        case said if "infinity" in said:
            return "The JSON holds a number that is too large."
        case said if "depth" in said:
            return "The JSON is nested too deeply."
        case _:
            return f"The request is not valid JSON, from character {error.pos + 1:,} on."


def _is_utf8(raw: bytes) -> bool:
    try:
        raw.decode()
    except UnicodeDecodeError:
        return False
    return True
