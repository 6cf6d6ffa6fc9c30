"""What a client is told of a conversation that ends too soon."""

from __future__ import annotations

from collections.abc import Awaitable

from loguru import logger

from bargein.errors import BargeinError, ProtocolError
from bargein.processors.wire import ClientLink
from bargein.protocol import Error
from bargein.transports.local.connection import DisconnectedError


async def tell_failures(connection: ClientLink, conversation: Awaitable[None]) -> None:
    """Wait for its end; whatever ends it too soon is logged, and told to the browser."""
    try:
        await conversation
    except DisconnectedError:
        logger.info("a browser left before it said hello")
    except ProtocolError as error:
        logger.warning("a browser was refused ({}): {}", error.code, error)
        connection.send(Error(code=error.code, message=str(error), final=True))
    except BargeinError as error:
        logger.error("the bot can't run: {}", error)
        connection.send(Error(code="bot_failed", message=str(error), final=True))
    except Exception:
        logger.exception("the bot can't run")
        text = "the bot failed; the server's log says why"
        connection.send(Error(code="bot_failed", message=text, final=True))
