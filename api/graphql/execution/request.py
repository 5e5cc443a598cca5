"""What a client sends to have an operation executed, over HTTP or a websocket."""

from typing import Any

from graphql import GraphQLError

from api.graphql.errors import BadUserInput, PersistedQueryNotSupported
from domain.message import message

SHA256 = "sha256:"


class Refused(Exception):
    """The operation is not executed, because of these errors."""

    def __init__(self, *errors: GraphQLError) -> None:
        super().__init__()
        self.errors = list(errors)


@message
class Request:
    """`document_id` is that of a persisted document, without the prefix `sha256:`; where there is
    no `query` it says which document is meant, else under which id it may be asked for."""

    query: str | None
    variables: dict[str, Any] | None
    operation_name: str | None
    document_id: str | None = None


def request_of(body: object) -> Request:
    """The request in a JSON body. Raises BadUserInput or PersistedQueryNotSupported."""
    match body:
        case list():
            raise BadUserInput("Send one operation at a time, not a batch.")
        case {**fields}:
            pass
        case _:
            raise BadUserInput("A request is a JSON object whose `query` is a string.")
    query, variables = fields.get("query"), fields.get("variables")
    name, extensions = fields.get("operationName"), fields.get("extensions")
    if not isinstance(query, str | None):
        raise BadUserInput("`query` must be a string.")
    if not isinstance(variables, dict | None):
        raise BadUserInput("`variables` must be an object.")
    if not isinstance(name, str | None):
        raise BadUserInput("`operationName` must be a string.")
    if not isinstance(extensions, dict | None):
        raise BadUserInput("`extensions` must be an object.")
    document_id = _document_id(fields.get("documentId"), extensions or {})
    if query is None and document_id is None:
        raise BadUserInput("A request is a JSON object whose `query` is a string.")
    return Request(query, variables, name or None, document_id)


def _document_id(given: object, extensions: dict[str, object]) -> str | None:
    """The id that the GraphQL-over-HTTP specification's appendix on persisted documents gives a
    place to, or the hash of Apollo's automatic persisted queries."""
    if given is None:
        persisted = extensions.get("persistedQuery")
        if persisted is None:
            return None
        if not isinstance(persisted, dict) or persisted.get("version", 1) != 1:
            raise PersistedQueryNotSupported
        given = persisted.get("sha256Hash")
    if not isinstance(given, str):
        raise BadUserInput("The id of a document must be a string.")
    return given.removeprefix(SHA256)
