"""Answers are compressed where the client takes it: by zstd, brotli or gzip, in this order.

Event streams are not: each of their events goes out alone, and a compressor kept for each stream
would take more memory than the stream does.
"""

import starlette_compress
from starlette.types import ASGIApp

from api.graphql.transport.negotiation import EVENT_STREAM, GRAPHQL_JSON

SMALLEST = 1024  # bytes; what is smaller fits into one packet as it is

# The library keeps one list for the whole process.
starlette_compress.add_compress_type(GRAPHQL_JSON)
starlette_compress.remove_compress_type(EVENT_STREAM)


def compressed(app: ASGIApp) -> ASGIApp:
    """The application, with its answers compressed."""
    return starlette_compress.CompressMiddleware(app, minimum_size=SMALLEST)
