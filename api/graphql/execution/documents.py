"""GraphQL documents that are ready to be executed, by their text and by ids.

Any document has the SHA-256 of its text as its id, once a client has sent both: Apollo's automatic
persisted queries. With a manifest, its documents are all that there are, under the ids that it
gives them.
"""

from collections import OrderedDict
from collections.abc import Callable, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Generic, TypeVar

import orjson

from api.graphql.errors import BadUserInput, Forbidden, PersistedQueryNotFound
from api.graphql.execution.request import SHA256, Refused, Request
from domain.message import message
from infrastructure.settings import Settings

# What is made of a text takes some hundred times its room: 200 MB at the very most.
MOST_CHARACTERS = 2_000_000
MOST_DOCUMENTS = 1_000
UNKNOWN = "Only the documents of the shop's own applications are answered."

T = TypeVar("T")


class NoManifest(Exception):
    """The file holds no documents that can be used; the message says why."""


@message
class Kept(Generic[T]):
    """`id` is None where nobody has asked for the document by one."""

    prepared: T
    id: str | None


class Documents(Generic[T]):
    """What `prepare` has made of each text, kept for those that were asked for last.

    `prepare` raises Refused. Of a `manifest`, all are made at once and kept: raises NoManifest.
    """

    def __init__(
        self, prepare: Callable[[str], T], manifest: Mapping[str, str] | None = None
    ) -> None:
        self._prepare = prepare
        self._closed = manifest is not None
        self._kept = OrderedDict[str, Kept[T]]()
        self._texts = dict[str, str](manifest or {})  # by ids
        self._characters = 0
        for name, text in self._texts.items():
            try:
                self._kept[text] = Kept(prepare(text), None)
            except Refused as refusal:
                reason = "; ".join(error.message for error in refusal.errors)
                raise NoManifest(f"has a document that is not valid, {name}: {reason}") from None

    def find(self, request: Request) -> T:
        """What was made of the document that the request asks for. Raises Refused."""
        text = request.query
        if text is None:
            text = self._texts.get(request.document_id or "")
            if text is None:
                raise Refused(Forbidden(UNKNOWN) if self._closed else PersistedQueryNotFound())
        kept = self._kept.get(text)
        if self._closed:
            if kept is None:
                raise Refused(Forbidden(UNKNOWN))
            return kept.prepared
        if kept is not None and (request.document_id is None or request.document_id == kept.id):
            self._kept.move_to_end(text)
            return kept.prepared
        return self._keep(text, request.document_id)

    def _keep(self, text: str, id: str | None) -> T:
        if id is not None and id != sha256(text.encode()).hexdigest():
            raise Refused(BadUserInput("The hash is not that of the document."))
        kept = self._kept.pop(text, None)
        if kept is None:
            kept = Kept(self._prepare(text), id)
            self._characters += len(text)
        self._kept[text] = Kept(kept.prepared, id)
        if id is not None:
            self._texts[id] = text
        while self._characters > MOST_CHARACTERS or len(self._kept) > MOST_DOCUMENTS:
            forgotten, was = self._kept.popitem(last=False)
            self._characters -= len(forgotten)
            self._texts.pop(was.id or "", None)
        return kept.prepared


def read_manifest(path: Path) -> dict[str, str]:
    """Texts by ids, from the file that graphql-codegen's client preset or relay-compiler writes:
    a JSON object. Raises NoManifest."""
    try:
        documents = orjson.loads(path.read_bytes())
    except OSError as error:
        raise NoManifest(f"cannot be read: {error.strerror}") from None
    except orjson.JSONDecodeError:
        raise NoManifest("is not JSON") from None
    match documents:
        case {} if documents and all(isinstance(text, str) for text in documents.values()):
            return {name.removeprefix(SHA256): text for name, text in documents.items()}
        case _:
            raise NoManifest("is not a JSON object of documents by their ids")


def manifest_of(settings: Settings) -> dict[str, str] | None:
    """The documents that SHOP_DOCUMENTS names, None where it is not set. Raises NoManifest."""
    return None if settings.documents is None else read_manifest(settings.documents)
