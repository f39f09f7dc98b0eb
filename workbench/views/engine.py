"""What the pages and the HTTP routes of one process share: settings, database, running generations."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

import streamlit as st

from workbench.core.errors import WorkbenchError
from workbench.core.generate.generation import GenerationSettings, settings_for
from workbench.core.generate.jobs import Jobs
from workbench.core.generate.templates import usual_template
from workbench.core.library.curation import load_built_in
from workbench.core.library.database import Database, shared_database
from workbench.core.library.examples import load_examples
from workbench.core.settings import Settings, load_settings

if TYPE_CHECKING:
    from workbench.core.experiments.overviews import Overviews
    from workbench.core.experiments.reports.files import Reports
    from workbench.core.experiments.runner import Runs
    from workbench.core.finetune.following import Follower

_log = logging.getLogger(__name__)


@st.cache_resource(show_spinner=False)
def settings() -> Settings:
    """The settings, from the environment and from Streamlit's secrets, which Streamlit puts into the environment.

    Raises:
        InvalidInputError: one of them cannot be used.
    """
    st.secrets.load_if_toml_exists()
    return load_settings()


def database() -> Database:
    """The database of this process.

    Raises:
        DatabaseError: it cannot be opened.
    """
    return shared_database(settings())


def usual() -> GenerationSettings:
    """How pieces are made here when nobody says anything else."""
    return settings_for(settings(), template=usual_template(settings().model_template, database()))


@st.cache_resource(show_spinner=False)
def jobs() -> Jobs:
    """The generations of this process; with the first call, the examples that ship are taken into the library."""
    threading.Thread(target=_fill_library, name="library", daemon=True).start()
    return Jobs(settings(), database())


@st.cache_resource(show_spinner=False)
def follower() -> Follower:
    """Whoever follows the trainings in this process, from the first call on."""
    from workbench.core.finetune.following import Follower

    return Follower(settings(), database()).start()


@st.cache_resource(show_spinner=False)
def library() -> int:
    """Take the examples that ship into the library; how many were new. Once for this process.

    Raises:
        WorkbenchError: one of them, or the database, is broken.
    """
    return load_built_in(database(), load_examples())


def _fill_library() -> None:
    try:
        library()
    except WorkbenchError as problem:
        _log.warning("the examples that ship were not loaded: %s", problem)


@st.cache_resource(show_spinner=False)
def experiments() -> Runs:
    """The experiments that run in this process."""
    from workbench.core.experiments.runner import Runs

    return Runs(settings(), database())


@st.cache_resource(show_spinner=False)
def reports() -> Reports:
    """The reports of runs that are made in this process."""
    from workbench.core.experiments.reports.files import Reports

    return Reports(settings(), database())


@st.cache_resource(show_spinner=False)
def overviews() -> Overviews:
    """The overviews of runs that are worked out in this process."""
    from workbench.core.experiments.overviews import Overviews

    return Overviews(settings(), database())
