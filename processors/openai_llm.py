"""An LLM behind OpenAI's chat completions: OpenAI itself, or Ollama, llama.cpp, vLLM and others."""

from __future__ import annotations

import asyncio
import os
from typing import Annotated, Any, ClassVar, cast
from urllib.parse import urlsplit

from openai import AsyncOpenAI, AsyncStream, Timeout
from openai.types.chat import ChatCompletionChunk
from pipecat.processors.aggregators.llm_context import LLMContext
from pipecat.services.openai.llm import OpenAILLMService
from pydantic import Field

from bargein.config.masking import is_variable_name
from bargein.errors import ConfigError
from bargein.processors.vendor import Access, Vendor, check_address, key_in
from bargein.processors.whole_calls import WholeCalls

OPENAI = "https://api.openai.com/v1"
OPENAI_HOST = "api.openai.com"
KEY_VARIABLE = "OPENAI_API_KEY"
NO_KEY = "none"
"""What a server is sent that wants none: the client sends something always."""
CONNECT_S = 3.0


class OpenAILLM(OpenAILLMService):
    """Answers with a model behind OpenAI's API; all tools that a reply calls are proposed.

    OpenAI's own key is `OPENAI_API_KEY` of the environment, and goes to OpenAI alone. A reply that
    is interrupted, or dropped, is cancelled at the server: its connection is closed.

    Raises `ConfigError` where a key is needed and there is none.
    """

    is_remote: ClassVar[bool] = True
    """A server does the work, and may charge for it."""

    def __init__(
        self,
        *,
        model: Annotated[
            str, Field(min_length=1, description="The model, as the server calls it.")
        ],
        base_url: Annotated[
            str,
            Field(
                pattern="^https?://",
                description="The server's address with its /v1; Ollama: http://127.0.0.1:11434/v1.",
            ),
        ] = OPENAI,
        key_variable: Annotated[
            str | None,
            Field(
                description=(
                    "The environment variable that holds the server's key; null is OPENAI_API_KEY "
                    "for OpenAI, and no key for any other server."
                ),
            ),
        ] = None,
        system: Annotated[
            str | None, Field(description="Who the bot is, what it knows, how it talks.")
        ] = None,
        temperature: Annotated[
            float | None, Field(ge=0, le=2, description="How freely it words; null is its own.")
        ] = None,
        max_tokens: Annotated[
            int | None, Field(ge=1, description="So long may one reply be; null is as it likes.")
        ] = None,
        retries: Annotated[
            int,
            Field(ge=0, le=5, description="So often a request is made again before anything came."),
        ] = 1,
        stall_ms: Annotated[
            int,
            Field(
                ge=500,
                le=120_000,
                description="A reply of which nothing more comes for so long is given up.",
            ),
        ] = 10_000,
    ) -> None:
        """Take the settings and the key; nothing is asked yet."""
        self._retries, self._stall_ms = retries, stall_ms
        check_address("base_url", base_url, like=OPENAI)
        is_openai = urlsplit(base_url).hostname == OPENAI_HOST
        if not is_openai:
            # Only OpenAI's newer models know that role.
            self.supports_developer_role = False
        settings = OpenAILLMService.Settings(model=model, system_instruction=system)
        if temperature is not None:
            settings.temperature = temperature
        if max_tokens is not None and is_openai:
            settings.max_completion_tokens = max_tokens
        elif max_tokens is not None:
            settings.max_tokens = max_tokens
        self.access = _access(key_variable or (KEY_VARIABLE if is_openai else None), base_url)
        key = self.access.key if self.access else NO_KEY
        super().__init__(api_key=key, base_url=base_url, settings=settings)

    def create_client(  # type: ignore[override]
        self, api_key: Any = None, base_url: Any = None, **_: Any
    ) -> AsyncOpenAI:
        """Make the client, with bounds for its waits."""
        return AsyncOpenAI(
            api_key=api_key,
            base_url=base_url,
            max_retries=self._retries,
            timeout=Timeout(self._stall_ms / 1000, connect=CONNECT_S),
        )

    async def get_chat_completions(self, context: LLMContext) -> AsyncStream[ChatCompletionChunk]:
        """Ask; retries wait as long as the server wants them to, but nobody waits past the stall.

        Called so by pipecat 1.14, which tells what is raised as the part's error.
        """
        try:
            async with asyncio.timeout(self._stall_ms / 1000):
                stream = await super().get_chat_completions(context)
        except TimeoutError:
            raise TimeoutError(f"the server sent nothing for {self._stall_ms} ms") from None
        return cast(AsyncStream[ChatCompletionChunk], WholeCalls(stream))

    async def cleanup(self) -> None:
        """Close the connections, which Pipecat leaves open."""
        await super().cleanup()
        await self._client.close()


def _access(variable: str | None, base_url: str) -> Access | None:
    if variable is None:
        return None
    if not is_variable_name(variable) and variable not in os.environ:
        raise ConfigError(
            "key_variable names the environment variable that holds the key, like OUR_KEY; "
            "the key itself never stands in a YAML."
        )
    host = urlsplit(base_url).hostname or base_url
    vendor = Vendor("OpenAI" if host == OPENAI_HOST else host, variable, base_url)
    if not key_in(variable):
        raise ConfigError(
            f"the environment has no {variable}, and {base_url} wants a key. Set it: "
            f"export {variable}=..., or name a server that wants none: "
            "base_url: http://127.0.0.1:11434/v1 is Ollama."
        )
    return vendor.access()
