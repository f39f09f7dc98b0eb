"""From what a model wrote to a valid structure: prompt, providers, sanitizer, pipeline."""

from workbench.core.generate.repairs import Repair
from workbench.core.generate.sanitize import Sanitized, sanitize

__all__ = ["Repair", "Sanitized", "sanitize"]
