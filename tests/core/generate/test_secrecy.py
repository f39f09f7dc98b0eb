"""No key, password or tuned model's id gets out; everything else comes through as it was."""

from __future__ import annotations

import json
import string
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from workbench.core.compose import compose
from workbench.core.generate.secrecy import FINE_TUNED, Scrub, is_fine_tuned, scrubber
from workbench.core.generate.templates import built_in
from workbench.core.generate.wire import wire_schema, wire_text
from workbench.core.library.examples import load_examples
from workbench.core.music.request import Request
from workbench.core.settings import Settings, variable_of

KEY = "local-key/with+odd=signs"
TUNED = "acme-tuned-7"
DATABASE = "postgresql+psycopg://music:p%40ss-w0rd!@db.example:5432/pieces"
URL = "https://me:g4teway-pass@models.example/v1"
MARK, TUNED_MARK = "[secret]", f"[{FINE_TUNED} model]"


def scrub_with(**changes: Any) -> Scrub:
    plain = {name: field.default for name, field in Settings.model_fields.items()}
    return scrubber(Settings(**{variable_of(name): value for name, value in (plain | changes).items()}))


BARE = scrub_with()
FULL = scrub_with(openai_api_key=KEY, model_ft=TUNED, database_url=DATABASE, openai_base_url=URL)


# What is configured -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("secret", [KEY, DATABASE, "p%40ss-w0rd!", "p@ss-w0rd!", "g4teway-pass"])
@pytest.mark.parametrize(
    "around",
    ["{}", "key: {}.", '{{"key":"{}"}}', "x{}x", "{}{}", "Incorrect API key provided: {}. Find it at …", "\n{}\n"],
)
def test_a_configured_secret_is_taken_out_wherever_it_stands(secret: str, around: str) -> None:
    text = FULL(around.replace("{}", secret))
    assert secret not in text
    assert MARK in text
    assert text.replace(MARK, secret) in {around.replace("{}", secret), around.replace("{}", DATABASE)}


def test_the_tuned_model_is_called_what_it_is() -> None:
    assert FULL(f"The model `{TUNED}` does not exist") == f"The model `{TUNED_MARK}` does not exist"


def test_the_longest_secret_goes_first() -> None:
    scrub = scrub_with(openai_api_key="secret-number-1", model_ft="secret-number-12")
    assert scrub("secret-number-12, secret-number-1") == f"{TUNED_MARK}, {MARK}"


def test_a_secret_that_is_a_word_hides_nothing() -> None:
    scrub = scrub_with(openai_api_key="none", database_url="postgresql://u:minor@db/x")
    assert scrub("none in a minor key") == "none in a minor key"


def test_signs_of_a_secret_mean_nothing_else() -> None:
    scrub = scrub_with(openai_api_key="a.c(d)*e+[f]")
    assert scrub("abc(d)*e+[f] aXc(d)*e+[f]") == "abc(d)*e+[f] aXc(d)*e+[f]"
    assert scrub("is a.c(d)*e+[f]!") == f"is {MARK}!"


@pytest.mark.parametrize(
    "changes",
    [{"database_url": "sqlite:////tmp/x.sqlite3"}, {"database_url": "postgresql://[::1"}, {"openai_base_url": "http://[x/v1"},
     {"database_url": "not a url"}, {"openai_base_url": "http://localhost:8000/v1"}],
)  # fmt: skip
def test_an_address_without_a_password_is_no_trouble(changes: dict[str, str]) -> None:
    assert scrub_with(**changes)("A minor, 4/4") == "A minor, 4/4"


@pytest.mark.parametrize(
    "changes",
    [{"model_ft_key": KEY}, {"model_ft_url": f"https://me:{KEY.replace('/', '%2F')}@models.example/v1"}],
    ids=str,
)
def test_what_opens_the_tuned_model_s_endpoint_is_taken_out(changes: dict[str, str]) -> None:
    assert scrub_with(**changes)(f"not with {KEY}!") == f"not with {MARK}!"


REGISTERED = frozenset(
    {"acme-music-7", "ft:gpt-4o:acme::x1", "/models/tuned_2", "llama", "classical", "theme-variation"}
)


def test_the_ids_of_registered_models_are_taken_out() -> None:
    scrub = scrubber(Settings(), REGISTERED)
    said = scrub("acme-music-7, ft:gpt-4o:acme::x1 and /models/tuned_2 are gone")
    assert said == f"{TUNED_MARK}, {TUNED_MARK} and {TUNED_MARK} are gone"


def test_a_registered_id_that_is_a_word_of_music_takes_nothing_out_of_it() -> None:
    scrub = scrubber(Settings(), REGISTERED)
    text = wire_text(compose(Request(form="theme-variation", period="classical", brief="a llama", duration=40)))
    assert scrub(text) == text
    assert scrub("a llama in classical dress") == "a llama in classical dress"


# What looks like a secret -------------------------------------------------------------------------------------------

KEYS = [
    "sk-abcdefghijklmnop1234", "sk-proj-Ab_c-0123456789abcdefXYZ", "sk-ant-api03-aaaaaaaaaaaaaaaaaaaa",
    "gsk_abcdefghij0123456789", "hf_AbCdEfGhIjKlMnOpQrSt", "wbk-0123456789abcdef0123", "api-key-0123456789abcdef",
    "api_0123456789abcdef0123", "sk-" + "a" * 48,
]  # fmt: skip


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize(
    "around",
    ["{}", "({})", '"{}"', "key={}&x=1", "key_{}", r"line\n{}", r"tab\t{}", r"quote\u0022{}", r"said \"{}\"", "{}."],
)
def test_a_key_of_any_kind_is_taken_out(key: str, around: str) -> None:
    assert BARE(around.replace("{}", key)) == around.replace("{}", MARK)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("Authorization: Bearer abcdef0123456789", "Authorization: Bearer [secret]"),
        ("authorization: bearer eyJhbGciOi.eyJzdWIiOiIx.c2ln==", "authorization: bearer [secret]"),
        ("'BEARER  abcdefghijklmnopqrstuvwxyz'", "'BEARER  [secret]'"),
        ('{"Authorization":"Bearer a1b2c3d4e5"}', '{"Authorization":"Bearer [secret]"}'),
    ],
)
def test_a_bearer_s_token_is_taken_out(text: str, wanted: str) -> None:
    assert BARE(text) == wanted


@pytest.mark.parametrize(
    "model", ["ft:gpt-4.1-mini-2025-04-14:acme::abc123", "ft:gpt-4o:acme:my-music:x1", "ft:loop-large:acme::abc123"]
)
@pytest.mark.parametrize("around", ["{}", "The model `{}` is gone", '"model":"{}",', r"\n{}", "models/{} "])
def test_the_id_of_any_tuned_model_is_taken_out(model: str, around: str) -> None:
    assert BARE(around.replace("{}", model)) == around.replace("{}", TUNED_MARK)


# What stays ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "", "A slow walk in f# minor, 6/8, at 72.", "The torch-bearer remembers", "Bearer of good tidings",
        "cup bearer sings", "the bearer misunderstood everything", "sk-short",
        "task-oriented-counterpoint-in-two-voices", "risk-free", "desk-research-about-counterpoint",
        "api-documentation-and-reference", "5 ft: a small room", "left: hand, right: hand", "shift:left", "ft: 3",
        "soft:pp", "a hf_ and a gsk-", "アダージョ ♭ 日本", "[secret] is a word", "fine-tuned model",
        "V7/ii → ii65–V43–I", "\\n \\u266d \\\\",
    ],
)  # fmt: skip
def test_ordinary_words_come_through_unchanged(text: str) -> None:
    assert BARE(text) == text
    assert FULL(text) == text


@pytest.mark.parametrize("form", ["ABA", "sonata", "theme-variation"])
def test_music_comes_through_unchanged(form: str) -> None:
    structure = compose(Request(form=form, duration=60, seed=4))
    for text in (wire_text(structure), structure.to_json()):
        assert FULL(text) == text


def test_what_the_workbench_itself_says_comes_through_unchanged() -> None:
    for template in built_in():
        for text in template.parts.values():
            assert FULL(text) == text
    assert FULL(json.dumps(wire_schema())) == json.dumps(wire_schema())
    for example in load_examples():
        text = json.dumps(example.to_dict(), ensure_ascii=False)
        assert FULL(text) == text


# Anything -----------------------------------------------------------------------------------------------------------

SECRETS = st.text(
    string.ascii_letters + string.digits + "-_+/=.:$^*(){}|\\?~!%&\"' é鍵", min_size=6, max_size=40
).filter(lambda secret: secret.strip() == secret and secret not in MARK + TUNED_MARK)


@given(SECRETS, SECRETS, st.text(max_size=30), st.text(max_size=30), st.integers(1, 3))
def test_a_configured_secret_never_survives(key: str, tuned: str, before: str, after: str, times: int) -> None:
    scrub = scrub_with(openai_api_key=key, model_ft=tuned)
    for text in (before + key * times + after, before + tuned + after + key, key + tuned, tuned * times):
        cleaned = scrub(text)
        left = cleaned.replace(MARK, "\0").replace(TUNED_MARK, "\0")
        assert key not in left
        assert tuned not in left


@given(SECRETS, st.text("abc {}[]:,", max_size=30), st.booleans())
def test_it_does_not_survive_in_json_either_where_it_stands_literally(key: str, around: str, ascii: bool) -> None:
    text = json.dumps({"title": f"{around}{key}", key: [around, {"x": key}]}, ensure_ascii=ascii)
    cleaned = scrub_with(openai_api_key=key)(text)
    assert key not in cleaned.replace(MARK, "\0")
    if json.dumps(key, ensure_ascii=ascii)[1:-1] == key:
        read = json.loads(cleaned)
        assert key not in json.dumps(read, ensure_ascii=False).replace(MARK, "\0")


@given(st.text(string.ascii_letters + string.digits + "-_@:/é", min_size=6, max_size=20))
def test_a_password_does_not_survive_however_it_is_written(password: str) -> None:
    assume(password not in MARK)
    scrub = scrub_with(database_url=f"postgresql://me:{quote(password, safe='')}@db.example/pieces")
    for text in (password, quote(password, safe=""), f"connection to me:{quote(password, safe='')}@db.example failed"):
        cleaned = scrub(text).replace(MARK, "\0")
        assert password not in cleaned
        assert quote(password, safe="") not in cleaned


@given(st.text(max_size=200))
def test_cleaning_twice_is_cleaning_once(text: str) -> None:
    assert FULL(FULL(text)) == FULL(text)


@given(st.text("abcdefghijklmnopqrstuvwxyz ,.;\n", max_size=200))
def test_small_letters_and_stops_are_never_a_secret(text: str) -> None:
    assume("bearer" not in text)
    assert BARE(text) == text


# Who is tuned -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "tuned"),
    [("ft:gpt-4o:acme::x", True), (TUNED, True), ("models:ft-music", True), ("gpt.ft-music", True), ("gpt-4o", False),
     ("left:hand", False), ("soft-music", False), ("", False)],
)  # fmt: skip
def test_a_tuned_model_is_known_by_its_id(model: str, tuned: bool) -> None:
    settings = Settings(**{variable_of("model_ft"): TUNED})
    assert is_fine_tuned(model, settings) == tuned


def test_a_registered_model_is_known_as_tuned_whatever_it_is_called() -> None:
    assert is_fine_tuned("llama", Settings(), REGISTERED)
    assert not is_fine_tuned("llama", Settings())
    assert not is_fine_tuned("llama-3", Settings(), REGISTERED)
