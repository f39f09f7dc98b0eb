"""Findings: what is right and wrong with a structure. One check a function, in families."""

from workbench.core.checks.findings import Finding, Report, Severity
from workbench.core.checks.profiles import PROFILES, Profile
from workbench.core.checks.registry import FAMILIES, Check, all_checks, check

__all__ = ["FAMILIES", "PROFILES", "Check", "Finding", "Profile", "Report", "Severity", "all_checks", "check"]
