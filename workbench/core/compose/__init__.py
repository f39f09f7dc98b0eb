"""Plan a form, compose by rule, realize a structure to notes, perform notes."""

from workbench.core.compose.composer import compose, compose_plan
from workbench.core.compose.perform import perform
from workbench.core.compose.plan import FormPlan, PhrasePlan, SectionPlan, plan
from workbench.core.compose.realize import realize

__all__ = ["FormPlan", "PhrasePlan", "SectionPlan", "compose", "compose_plan", "perform", "plan", "realize"]
