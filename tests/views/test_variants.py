"""Who writes, and how it is asked: what a variant stands for, what it is called, and who is on offer."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import streamlit as st
from loopback import Loopback
from streamlit.testing.v1 import AppTest
from studio import TUNED, place, settings_of

from workbench.core.generate.generation import settings_for
from workbench.core.generate.jobs import Jobs
from workbench.core.library.database import Database
from workbench.core.library.tuned import Rollout, Served
from workbench.core.music.request import Request
from workbench.core.settings import Settings
from workbench.views import engine, variants
from workbench.views.variants import NEW, how, name_of, orders_for

ENTRYPOINT = str(Path(__file__).parents[2] / "streamlit_app.py")
At = Callable[[Settings], None]


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch) -> At:
    """Put the views into a place with other settings."""

    def there(settings: Settings) -> None:
        monkeypatch.setattr(variants, "settings", lambda: settings)
        monkeypatch.setattr(variants, "usual_settings", lambda: settings_for(settings))

    return there


CONNECTED = Settings.model_validate(
    {"WORKBENCH_PROVIDER": "openai", "WORKBENCH_MODEL_BASE": "loop-large", "WORKBENCH_MODEL_FT": TUNED}
)


def variant(**changes: Any) -> dict[str, Any]:
    return NEW | changes


def test_a_variant_says_who_is_asked_and_how(at: At) -> None:
    at(CONNECTED)
    assert (how(variant(), 5).provider, how(variant(), 5).variant, how(variant(), 5).seed) == ("", "", 5)
    assert how(variant(writer="rules", examples=0), 5).provider == "rules"
    tuned = how(variant(writer="ft"), 5)
    assert (tuned.provider, tuned.variant, tuned.model) == ("openai", "ft", None)
    chosen = how(variant(writer="model:loop-json", template="default@1", examples=0, temperature=1.2, editor=True), 5)
    assert (chosen.provider, chosen.model, chosen.template) == ("openai", "loop-json", "default@1")
    assert (chosen.examples, chosen.temperature, chosen.editor) == (0, 1.2, True)
    assert how(variant(), 5).examples == CONNECTED.model_examples


def test_a_model_can_be_chosen_where_the_rules_are_switched_on(at: At) -> None:
    at(Settings.model_validate({"OPENAI_BASE_URL": "http://localhost:1/v1"}))
    assert how(variant(writer="model:loop-large"), 1).provider == "openai"
    assert how(variant(), 1).provider == ""


def test_variants_of_one_press_share_the_seed(at: At) -> None:
    at(CONNECTED)
    orders = orders_for(Request(), [variant(writer="rules"), variant(examples=0)], 77)
    assert [order.settings.seed for order in orders] == [77, 77]
    assert [order.label for order in orders] == ["Rules", "Server's choice · no examples"]


def test_a_variant_is_called_by_what_is_unusual_about_it(at: At) -> None:
    at(CONNECTED)
    assert name_of(variant()) == "Server's choice"
    assert name_of(variant(writer="rules", temperature=1.5)) == "Rules"
    assert name_of(variant(writer="ft")) == "Fine-tuned model"
    usual = variant(template=CONNECTED.model_template, examples=CONNECTED.model_examples)
    assert name_of(usual) == "Server's choice"
    unusual = variant(writer="model:loop-json", template="short@2", examples=1, temperature=0.0, editor=True)
    assert name_of(unusual) == "loop-json · short@2 · 1 example · temperature 0 · edited"


# --- who is on offer -------------------------------------------------------------------------------------------------


@contextmanager
def hanging() -> Iterator[str]:
    """An endpoint that takes every connection and never says a word."""
    kept: list[socket.socket] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def take() -> None:
            while True:
                try:
                    kept.append(server.accept()[0])
                except OSError:
                    return

        threading.Thread(target=take, daemon=True).start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}/v1"
        server.shutdown(socket.SHUT_RDWR)
    for each in kept:
        each.close()


@contextmanager
def asking(settings: Settings, database: Database, monkeypatch: pytest.MonkeyPatch) -> Iterator[variants._Models]:
    jobs = Jobs(settings, database)
    monkeypatch.setattr(variants, "settings", lambda: settings)
    monkeypatch.setattr(variants, "jobs", lambda: jobs)
    models = variants._Models()
    yield models
    jobs.close()
    models._pool.shutdown()


def test_models_are_offered_with_their_last_day_and_fine_tuned_ones_never(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Loopback() as server, asking(settings_of(server), database, monkeypatch) as models:
        models._patience = 20.0
        known, problem = models.known()
        assert problem == ""
        assert {"loop-large", "loop-json"} <= {model.id for model in known}
        offered = variants._writers(known, ["gone-model", "ft:other:acme::1"])
        assert offered["model:loop-json"] == "loop-json · shuts down 14 Jan 2027"
        assert offered["server"] == "Server's choice (the base model)"
        assert offered["ft"] == "Fine-tuned model"
        assert offered["rules"] == "Rules"
        assert offered["model:gone-model"] == "gone-model", "who was chosen stays on offer"
        assert "ft:" not in " ".join((*offered, *offered.values()))


def test_the_list_of_models_is_kept_when_the_endpoint_falls_silent(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Loopback() as server, asking(settings_of(server), database, monkeypatch) as models:
        models._patience = 20.0
        before, _ = models.known()
        server.close()
        models._at -= 2 * variants.ASK_AGAIN
        models.known()
        assert models._asked is not None
        models._asked.exception(20)
        after, problem = models.known()
        assert after == before
        assert problem


def test_an_endpoint_that_hangs_is_waited_for_once_and_not_for_long(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    with hanging() as url, asking(Settings.model_validate({"OPENAI_BASE_URL": url}), database, monkeypatch) as models:
        began = time.monotonic()
        assert models.known() == ((), "The endpoint has not told its models yet.")
        assert time.monotonic() - began < 2
        for _ in range(3):
            models.known()
        assert time.monotonic() - began < 2


# --- the registry ----------------------------------------------------------------------------------------------------

ENDPOINT = {"OPENAI_BASE_URL": "http://localhost:1/v1"}
LIVE, CANARY = (Served(f"{id}{id}", id, f"acme-{id}", "http://localhost:2/v1") for id in ("live", "canary"))
ONE, TRIED, TWO = Rollout(LIVE), Rollout(None, CANARY, 0.5), Rollout(LIVE, CANARY, 0.5)


@pytest.mark.parametrize(
    ("environment", "told", "wanted"),
    [
        # Where the rules are switched on, the registry's model goes before them, at an endpoint of its own as well.
        ({}, Rollout(), ["rules", "adapt"]),
        ({}, ONE, ["Server's choice (the fine-tuned model)", "ft", "rules", "adapt"]),
        ({}, TRIED, ["Server's choice (rules or fine-tuned)", "ft", "rules", "adapt"]),
        ({"WORKBENCH_PROVIDER": "adapt"}, TRIED,
         ["Server's choice (an adapted example or fine-tuned)", "ft", "rules", "adapt"]),
        ({}, TWO, ["Server's choice (one of two fine-tuned models)", "ft", "rules", "adapt"]),
        ({"WORKBENCH_MODEL_VARIANT": "base"}, TWO, ["rules", "adapt", "ft"]),
        ({"WORKBENCH_MODEL_VARIANT": "ft"}, TWO, ["Server's choice (the fine-tuned model)", "ft", "rules", "adapt"]),
        (ENDPOINT, Rollout(), ["rules", "adapt"]),
        (ENDPOINT, Rollout(Served("x", "x", "acme-here")),
         ["Server's choice (the fine-tuned model)", "ft", "rules", "adapt"]),
        ({}, Rollout(Served("x", "x", "acme-here")), ["rules", "adapt"]),
        ({"WORKBENCH_MODEL_FT": TUNED, "WORKBENCH_MODEL_FT_URL": "http://localhost:3/v1"}, Rollout(),
         ["rules", "adapt", "ft"]),
        # Where a model is switched on.
        ({"WORKBENCH_PROVIDER": "openai", "WORKBENCH_MODEL_BASE": "b"} | ENDPOINT, Rollout(),
         ["Server's choice (the base model)", "model:b", "rules", "adapt"]),
        ({"WORKBENCH_PROVIDER": "openai", "WORKBENCH_MODEL_BASE": "b"} | ENDPOINT, TRIED,
         ["Server's choice (base or fine-tuned)", "ft", "model:b", "rules", "adapt"]),
        ({"WORKBENCH_PROVIDER": "openai", "WORKBENCH_MODEL_VARIANT": "base"} | ENDPOINT, TWO,
         ["Server's choice (the base model)", "ft", "rules", "adapt"]),
        ({"WORKBENCH_PROVIDER": "openai", "WORKBENCH_MODEL_VARIANT": "canary"} | ENDPOINT, ONE,
         ["Server's choice (base or fine-tuned)", "ft", "rules", "adapt"]),
    ],
)  # fmt: skip
def test_who_is_offered_follows_the_registry_under_the_switch(
    at: At, monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], told: Rollout, wanted: list[str]
) -> None:
    at(Settings.model_validate(environment))
    monkeypatch.setattr(variants, "rollout", lambda: told)
    offered = variants._writers(())
    assert [words if name == "server" else name for name, words in offered.items()] == wanted
    assert "acme" not in str(offered)


def test_a_registered_model_is_not_offered_by_its_id(at: At, monkeypatch: pytest.MonkeyPatch) -> None:
    at(CONNECTED.model_copy(update={"openai_base_url": "http://localhost:1/v1"}))
    monkeypatch.setattr(variants, "rollout", lambda: Rollout(secret=frozenset({"acme-7", "gone-8"})))
    offered = variants._writers((), ["acme-7", "acme-77"])
    assert "model:acme-7" not in offered
    assert "model:acme-77" in offered


def test_the_endpoint_s_list_hides_what_is_registered_meanwhile(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Loopback() as server, asking(settings_of(server), database, monkeypatch) as models:
        monkeypatch.setattr(variants, "database", lambda: database)
        place(database, "a" * 16, "loop-json", "candidate")
        models._patience = 20.0
        known, _ = models.known()
        assert {model.id for model in known} >= {"loop-large", "loop-plain"}
        assert "loop-json" not in {model.id for model in known}


# --- the form on the page --------------------------------------------------------------------------------------------


@pytest.fixture
def connected(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Callable[[str], AppTest]]:
    """The screen of an app that is connected with an endpoint, in this process."""
    engine.jobs().close()

    def screen(url: str) -> AppTest:
        for name, value in {
            "OPENAI_BASE_URL": url, "OPENAI_API_KEY": "sk-loopback-0123456789abcdef0123456789abcdef",
            "WORKBENCH_PROVIDER": "openai", "WORKBENCH_MODEL_BASE": "loop-large", "WORKBENCH_MODEL_FT": TUNED,
            "WORKBENCH_DATA_DIR": str(tmp_path),
        }.items():  # fmt: skip
            monkeypatch.setenv(name, value)
        st.cache_resource.clear()
        return AppTest.from_file(ENTRYPOINT, default_timeout=60)

    yield screen
    engine.jobs().close()
    variants._models()._pool.shutdown()
    st.cache_resource.clear()


def boxes(screen: AppTest) -> list[Any]:
    return [box for box in screen.selectbox if box.label.startswith("Written by")]


def test_variants_are_added_and_removed_and_keep_what_was_chosen(connected: Callable[[str], AppTest]) -> None:
    with Loopback() as server:
        screen = connected(server.url).run()
        assert [box.label for box in boxes(screen)] == ["Written by"]
        assert "ft:" not in " ".join(boxes(screen)[0].options)
        screen.button(key="add_variant").click().run()
        screen.button(key="add_variant").click().run()
        boxes(screen)[1].select("model:loop-json").run()
        boxes(screen)[2].select("rules").run()
        screen.button(key="variant_0_0_remove").click().run()
        assert [box.value for box in boxes(screen)] == ["model:loop-json", "rules"]
        assert not screen.exception
        screen.button(key="variant_1_0_remove").click().run()
        assert [(box.label, box.value) for box in boxes(screen)] == [("Written by", "rules")]


def test_a_form_is_drawn_though_the_endpoint_hangs(connected: Callable[[str], AppTest]) -> None:
    with hanging() as url:
        screen = connected(url)
        screen.run()
        assert not screen.exception
        assert any("has not told its models yet" in text.value for text in screen.markdown)
        began = time.monotonic()
        boxes(screen)[0].select("rules").run()
        assert time.monotonic() - began < 2
        screen.button(key="compose").click().run()
        assert not screen.exception
        assert screen.session_state["take"].seed is not None


def test_a_variant_may_have_a_seed_of_its_own() -> None:
    two = [NEW | {"writer": "rules"}, NEW | {"writer": "rules", "seed": 9}]
    orders = orders_for(Request(), two, 4)
    assert [order.settings.seed for order in orders] == [4, 9]
    assert orders[1].label.endswith("seed 9")
    assert [order.settings.seed for order in orders_for(Request(), two[1:], 4)] == [4]
