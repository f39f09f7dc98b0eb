"""Fine-tune: from a dataset version to a model that answers, and back again if it disappoints."""

import streamlit as st

from workbench.core.errors import WorkbenchError
from workbench.views.engine import follower
from workbench.views.finetune.asking import new_training
from workbench.views.finetune.model_list import models_tab
from workbench.views.finetune.places import TAB, TABS, choose_tab, told
from workbench.views.finetune.standing import standing
from workbench.views.finetune.training_list import trainings_tab

BODIES = {"Trainings": trainings_tab, "New training": new_training, "Models": models_tab}

try:
    follower()
    choose_tab()
    standing()
    told()
    for name, body in zip(TABS, st.tabs(TABS, on_change="rerun", key=TAB), strict=True):
        if body.open:
            with body:
                BODIES[name]()
except WorkbenchError as problem:
    st.error(f"{problem.message} {problem.hint}", icon=":material/error:")
