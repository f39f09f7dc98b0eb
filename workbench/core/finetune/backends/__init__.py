"""Backends that train: hosted services that speak OpenAI's API, and open weights on one's own machine."""

from workbench.core.finetune.backends import local, openai
from workbench.core.finetune.backends.registry import BACKENDS, Backend, BaseModel, make_backend

__all__ = ["BACKENDS", "Backend", "BaseModel", "local", "make_backend", "openai"]
