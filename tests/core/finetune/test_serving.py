"""A served model answers: held to a schema even if it never learned anything, by lot or not, within limits."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from strict_schema import conforms

from workbench.core.errors import InvalidInputError, ModelBrokeOffError, ModelRefusedError
from workbench.core.finetune.local.tiny import make_tiny
from workbench.core.finetune.serving.asked import ANY_OBJECT, Asked
from workbench.core.finetune.serving.engine import PASS, LocalModel, Written
from workbench.core.finetune.serving.offers import Offer
from workbench.core.finetune.serving.server import missing
from workbench.core.generate.wire import lean_schema, nulls_left_out, wire_schema, wire_text
from workbench.core.library.examples import load_examples

if TYPE_CHECKING:
    from torch import Tensor

pytestmark = pytest.mark.skipif(
    bool(missing(grammar=True)) and not os.environ.get("CI"), reason=f"Not tested: {missing(grammar=True)}."
)
BOUNDED: Mapping[str, Any] = {
    "type": "object",
    "properties": {
        "key": {"type": "string", "enum": ["c minor", "E♭ major"]},
        "größe": {"type": "integer", "minimum": 0, "maximum": 99},
        "title": {"anyOf": [{"type": "string", "maxLength": 6}, {"type": "null"}]},
        "degrees": {"type": "array", "maxItems": 4, "items": {"anyOf": [{"type": "null"}, {"$ref": "#/$defs/x"}]}},
    },
    "required": ["key", "größe", "title", "degrees"],
    "additionalProperties": False,
    "$defs": {
        "x": {
            "type": "object", "properties": {"beat": {"enum": [0.5, 1, 1.5]}}, "required": ["beat"],
            "additionalProperties": False,
        },
    },
}  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models") / "tiny"
    make_tiny(folder, [wire_text(example.structure) for example in load_examples()[:4]])
    return folder


@pytest.fixture(scope="module")
def model(folder: Path) -> Iterator[LocalModel]:
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # as the server does for models of this size
    yield LocalModel(Offer("tiny", str(folder)))
    torch.set_num_threads(threads)


def question(said: str = "A march.", **more: Any) -> Asked:
    return Asked("tiny", ({"role": "user", "content": said},), **more)


def answer(model: LocalModel, asked: Asked) -> tuple[str, Written]:
    pieces: list[str] = []
    written = model.write(model.prepare(asked), pieces.append, lambda: False)
    return "".join(pieces), written


@pytest.mark.parametrize("temperature", [0.0, 1.0, 2.0])
def test_a_model_that_never_learned_writes_what_fits_the_schema(model: LocalModel, temperature: float) -> None:
    texts = set()
    for seed in range(5):
        asked = question(schema=BOUNDED, seed=seed, temperature=temperature, limit=500)
        text, written = answer(model, asked)
        assert written.finish == "stop"
        assert conforms(BOUNDED, json.loads(text)) == []
        texts.add(text)
    assert len(texts) == (1 if temperature == 0 else 5)


def test_an_answer_that_does_not_end_is_cut_at_its_limit(model: LocalModel) -> None:
    text, written = answer(model, question(schema=wire_schema(), seed=1, limit=150))
    assert (written.finish, written.written) == ("length", 150)
    assert any(text.startswith(f'{{"key":"{key}","tempo":') for key in wire_schema()["properties"]["key"]["enum"])
    text, _ = answer(model, question(schema=ANY_OBJECT, seed=1, limit=40))
    assert text.startswith("{")


def test_what_may_be_null_may_be_left_out_of_the_lean_schema() -> None:
    lax = lean_schema()
    for example in load_examples()[:20]:
        value = json.loads(wire_text(example.structure))
        assert conforms(lax, value) == []
        assert conforms(wire_schema(), value), "a strict schema wants every member"
    assert lax["required"] == ["key", "tempo", "timeSignature", "form", "sections"]
    assert nulls_left_out(BOUNDED)["required"] == ["key", "größe", "degrees"]
    named = {"type": "object", "properties": {"required": {"type": ["string", "null"]}}, "required": ["required"]}
    assert nulls_left_out(named) == {**named, "required": []}
    assert nulls_left_out(True) is True


def test_a_model_may_leave_out_what_may_be_null(model: LocalModel) -> None:
    schema = {
        "type": "object", "properties": {"a": {"enum": [1]}, "b": {"anyOf": [{"enum": [2]}, {"type": "null"}]}},
        "required": ["a", "b"], "additionalProperties": False,
    }  # fmt: skip
    texts = {answer(model, question(schema=nulls_left_out(schema), seed=seed))[0] for seed in range(20)}
    assert '{"a":1}' in texts
    assert texts <= {'{"a":1}', '{"a":1,"b":2}', '{"a":1,"b":null}'}


def test_without_a_grammar_the_schema_is_passed_over(folder: Path) -> None:
    free = LocalModel(Offer("tiny", str(folder)), grammar=False)
    asked = question(seed=1, limit=40)
    assert answer(free, replace(asked, schema=BOUNDED)) == answer(free, asked)
    assert free.prepare(replace(asked, schema={"type": "banana"})).constraint is None


def test_the_same_seed_says_the_same(model: LocalModel) -> None:
    one, again, other = (answer(model, question(seed=seed, limit=30))[0] for seed in (7, 7, 8))
    assert one == again != other
    assert len({answer(model, question(limit=30))[0] for _ in range(3)}) == 3, "without a seed it is by lot"


@pytest.mark.parametrize("words", [3, 500])
def test_the_likeliest_tokens_are_those_of_transformers(folder: Path, model: LocalModel, words: int) -> None:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    said = " ".join(str(number) for number in range(words))
    tokenizer = AutoTokenizer.from_pretrained(folder)
    theirs = AutoModelForCausalLM.from_pretrained(folder).eval()
    prompt: Tensor = tokenizer.apply_chat_template(
        [{"role": "user", "content": said}], add_generation_prompt=True, return_tensors="pt", return_dict=True
    )["input_ids"]
    if words > 3:
        assert PASS < prompt.shape[1] < model.context, "it is read in several passes"
    with torch.inference_mode():
        whole = theirs.generate(prompt, attention_mask=torch.ones_like(prompt), do_sample=False, max_new_tokens=24)
    expected = tokenizer.decode(whole[0, prompt.shape[1] :], skip_special_tokens=True)
    for more in ({"temperature": 0.0}, {"temperature": 1.0, "top_p": 0.0}):
        text, written = answer(model, question(said, limit=24, **more))
        assert text == expected
        assert written.read == prompt.shape[1]


def test_an_answer_ends_at_a_stop_or_when_nobody_wants_it(model: LocalModel) -> None:
    whole, _ = answer(model, question(seed=2, limit=40))
    stop = whole[10:12]
    text, written = answer(model, question(seed=2, limit=40, stops=(stop,)))
    assert text == whole[: whole.index(stop)]
    assert (written.finish, written.written < 40) == ("stop", True)
    pieces: list[str] = []
    prepared = model.prepare(question(seed=2, limit=40))
    assert model.write(prepared, pieces.append, lambda: len(pieces) >= 3).finish == "stopped"
    assert whole.startswith("".join(pieces))
    assert len(pieces) <= 4


def test_every_token_that_ends_an_answer_ends_it(folder: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    shutil.copytree(folder, other)
    settings = json.loads((other / "generation_config.json").read_text())
    size = json.loads((other / "config.json").read_text())["vocab_size"]
    (other / "generation_config.json").write_text(json.dumps({**settings, "eos_token_id": list(range(size))}))
    ended = answer(LocalModel(Offer("other", str(other)), grammar=False), question(temperature=0.0, limit=9))
    assert ended[0] == ""
    assert (ended[1].finish, ended[1].written) == ("stop", 1)


def test_what_cannot_be_answered_is_refused_before_it_waits(model: LocalModel, folder: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelRefusedError) as long:
        model.prepare(question("a b " * model.context))
    assert long.value.kind == "context_length_exceeded"
    room = model.prepare(question("a b " * 100, limit=10**9))
    assert room.limit == model.context - len(room.prompt)
    loop = {"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/a"}}}
    for schema in ({"type": "banana"}, {"$ref": "https://example.com/x"}, {"type": "string", "pattern": "(?=x)"}, loop):
        with pytest.raises(InvalidInputError, match="cannot be made into a grammar") as grammar:
            model.prepare(question(schema=schema))
        assert grammar.value.field == "response_format"
    strict = tmp_path / "strict"
    shutil.copytree(folder, strict)
    (strict / "chat_template.jinja").write_text(
        "{% if messages|length > 1 %}{{ raise_exception('One message, please') }}{% endif %}{{ messages[0].content }}"
    )
    picky = LocalModel(Offer("picky", str(strict)))
    twice = replace(question(), messages=question().messages * 2)
    with pytest.raises(InvalidInputError, match="One message, please"):
        picky.prepare(twice)


def test_a_schema_that_no_answer_fits_is_refused(model: LocalModel) -> None:
    nothing = {"type": "object", "properties": {"a": {"enum": []}}, "required": ["a"]}
    with pytest.raises(InvalidInputError, match="cannot be made into a grammar"):
        model.prepare(question(schema=nothing))


def test_models_that_cannot_answer_are_not_served(folder: Path, tmp_path: Path) -> None:
    import torch
    from safetensors.torch import load_file, save_file

    mute, torn, broken = tmp_path / "mute", tmp_path / "torn", tmp_path / "broken"
    for other in (mute, torn, broken):
        shutil.copytree(folder, other)
    (mute / "chat_template.jinja").unlink()
    with pytest.raises(InvalidInputError, match="mute has no chat template"):
        LocalModel(Offer("mute", str(mute)))
    (torn / "model.safetensors").write_bytes(b"0" * 100)
    with pytest.raises(InvalidInputError, match="torn cannot be served"):
        LocalModel(Offer("torn", str(torn)))
    weights = load_file(folder / "model.safetensors")
    weights["model.norm.weight"] = torch.full_like(weights["model.norm.weight"], float("nan"))
    save_file(weights, broken / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(ModelBrokeOffError, match="its weights are broken"):
        LocalModel(Offer("broken", str(broken)))
