"""What passes by itself closes a connection so that clients try again, and nothing else does."""

import re
from pathlib import Path

import pytest

from api.graphql.transport import websocket
from api.http import server

# The rule of graphql-ws 6.4.2, in https://github.com/enisdenjo/graphql-ws/blob/v6.4.2/src/client.ts:
# `isFatalInternalCloseCode`, and the list in `shouldRetryConnectOrThrow` beside it. The tests in
# tests/clients hold the package itself against the server.
NOT_FATAL_BELOW_2000 = {1000, 1001, 1005, 1006, 1012, 1013, 1014}
FATAL_FROM_4000_ON = {4500, 4005, 4400, 4004, 4401, 4406, 4409, 4429}

# Each of our codes, and whether the same client may get on by trying again.
PASSES = {
    websocket.TRY_AGAIN: True,  # too many connections, or too slow
    websocket.FORBIDDEN: True,  # with the next token
    websocket.INIT_TOO_LATE: True,
    websocket.INVALID: False,
    websocket.UNAUTHORIZED: False,
    websocket.SUBPROTOCOL: False,
    websocket.ID_IN_USE: False,
    websocket.SECOND_INIT: False,
    websocket.BROKEN: False,
    server.TERMINATED: True,  # no answer to a ping
    1012: True,  # uvicorn's: a stop
    # websockets': a frame that breaks the protocol, text that is none, a message that is too large.
    1002: False,
    1007: False,
    1009: False,
}


def is_fatal(code: int) -> bool:
    """Whether graphql-ws gives up for good."""
    if code < 2000:
        return code not in NOT_FATAL_BELOW_2000
    return code in FATAL_FROM_4000_ON


@pytest.mark.parametrize(("code", "passes"), PASSES.items())
def test_clients_try_again_after_what_passes_by_itself(code: int, passes: bool) -> None:
    assert is_fatal(code) is not passes


def test_every_code_of_ours_is_among_them() -> None:
    source = Path(websocket.__file__).read_text()
    named = re.findall(r"Closed\(\s*([A-Z_]{2,})", source)
    assert named
    assert {getattr(websocket, name) for name in named} <= PASSES.keys()
    assert not re.search(r"Closed\(\s*\d", source)


def test_a_second_initialisation_is_all_that_4429_means() -> None:
    source = Path(websocket.__file__).read_text()
    assert websocket.SECOND_INIT == 4429
    assert source.count("Closed(SECOND_INIT") == 1
