"""The short names that a `use` may have, and the class behind each; nothing is imported here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bargein.config.structure import Role


@dataclass(frozen=True, slots=True)
class BuiltIn:
    """Where the class behind a short name is found."""

    import_path: str
    """`module:Class`."""
    role: Role
    extra: str | None = None
    """The extra of bargein that brings the packages it needs."""
    page: str | None = None
    """The page of the docs that has its keys, where the printed reference has not."""


@dataclass(frozen=True, slots=True)
class Registry:
    """All short names; another registry may be given to `load`, as tests do."""

    parts: Mapping[str, BuiltIn]
    transports: Mapping[str, BuiltIn]

    def names_of(self, role: Role) -> tuple[str, ...]:
        """Return the short names of a role."""
        return tuple(name for name, built_in in self.parts.items() if built_in.role is role)


LOCAL_MODELS = "local_models.md"
BUILT_INS = Registry(
    parts={
        "interruption": BuiltIn("bargein.processors.interruption:Interruption", Role.INTERRUPTION),
        "silero_vad": BuiltIn("bargein.processors.vad:SileroVad", Role.VAD),
        "pocketsphinx_stt": BuiltIn(
            "bargein.processors.pocketsphinx_stt:PocketsphinxSTT", Role.STT, "embedded"
        ),
        "deepgram_stt": BuiltIn(
            "bargein.processors.deepgram_stt:DeepgramSTT", Role.STT, "deepgram"
        ),
        "deepgram_flux_stt": BuiltIn(
            "bargein.processors.deepgram_flux_stt:DeepgramFluxSTT", Role.STT, "deepgram"
        ),
        "whisper_stt": BuiltIn(
            "bargein.processors.whisper_stt:WhisperSTT", Role.STT, "whisper", LOCAL_MODELS
        ),
        "moonshine_stt": BuiltIn(
            "bargein.processors.moonshine_stt:MoonshineSTT", Role.STT, "moonshine", LOCAL_MODELS
        ),
        "speculation": BuiltIn("bargein.processors.speculation:Speculation", Role.SPECULATION),
        "scripted_llm": BuiltIn("bargein.processors.scripted_llm:ScriptedLLM", Role.LLM),
        "openai_llm": BuiltIn("bargein.processors.openai_llm:OpenAILLM", Role.LLM),
        "anthropic_llm": BuiltIn(
            "bargein.processors.anthropic_llm:AnthropicLLM", Role.LLM, "anthropic"
        ),
        "clauses": BuiltIn("bargein.processors.clauses:ClauseAggregator", Role.CLAUSES),
        "espeak_tts": BuiltIn("bargein.processors.espeak_tts:EspeakTTS", Role.TTS, "embedded"),
        "elevenlabs_tts": BuiltIn(
            "bargein.processors.elevenlabs_tts:ElevenLabsTTS", Role.TTS, "elevenlabs"
        ),
        "piper_tts": BuiltIn(
            "bargein.processors.piper_tts:PiperTTS", Role.TTS, "piper", LOCAL_MODELS
        ),
        "kokoro_tts": BuiltIn(
            "bargein.processors.kokoro_tts:KokoroTTS", Role.TTS, "kokoro", LOCAL_MODELS
        ),
        "played_audio": BuiltIn("bargein.processors.played_audio:PlayedAudio", Role.PLAYED_AUDIO),
    },
    transports={
        "local": BuiltIn("bargein.transports.local.room:LocalRoom", Role.TRANSPORT),
        "webrtc": BuiltIn("bargein.transports.webrtc.room:WebrtcRoom", Role.TRANSPORT, "webrtc"),
        "daily": BuiltIn("bargein.transports.daily.room:DailyRoom", Role.TRANSPORT, "daily"),
        "device": BuiltIn("bargein.transports.device.device:Device", Role.TRANSPORT, "device"),
    },
)
