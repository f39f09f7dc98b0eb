"""AIRIA Workbench: compose with language models through one small, checkable language."""

__version__ = "0.1.0"
