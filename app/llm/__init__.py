"""The engine, asked through the openai SDK. Import from here; the modules behind it are private."""

from __future__ import annotations

from app.llm.chat import ChatClient, Endpoint
from app.llm.client import DECODING, EngineHealth, JudgeClient, LlmSettings
from app.llm.replies import CallFailure

__all__ = ["DECODING", "CallFailure", "ChatClient", "Endpoint", "EngineHealth", "JudgeClient", "LlmSettings"]
