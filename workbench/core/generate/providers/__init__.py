"""Who can be asked for a piece: providers, what is said to them, and what they can do."""

from workbench.core.generate.providers.calls import Answer, Call, Message, ModelInfo, Provider, Tokens
from workbench.core.generate.providers.registry import Providers, all_providers, find_provider, provider

__all__ = [
    "Answer", "Call", "Message", "ModelInfo", "Provider", "Providers", "Tokens", "all_providers", "find_provider",
    "provider",
]  # fmt: skip
