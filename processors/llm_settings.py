"""Settings of an LLM service that has no model behind it: Pipecat warns of what is not given."""

from __future__ import annotations

from pipecat.services.settings import LLMSettings


def unset_llm_settings(model: str) -> LLMSettings:
    """Give settings that name the model and say nothing else."""
    return LLMSettings(
        model=model,
        system_instruction=None,
        temperature=None,
        max_tokens=None,
        top_p=None,
        top_k=None,
        frequency_penalty=None,
        presence_penalty=None,
        seed=None,
        filter_incomplete_user_turns=False,
        user_turn_completion_config=None,
    )
