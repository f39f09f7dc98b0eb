"""The files that are written here load in ``datasets`` and train in TRL: its own trainers take a step on them."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from training_rows import rows, written

from workbench.core.datasets.files.formats import FORMATS

LIBRARIES = ("datasets", "trl", "transformers", "torch", "tokenizers")
MISSING = [name for name in LIBRARIES if importlib.util.find_spec(name) is None]
pytestmark = pytest.mark.skipif(
    bool(MISSING) and not os.environ.get("CI"),
    reason=f"not installed: {', '.join(MISSING)}. Where CI is set this fails instead.",
)
TEMPLATE = (
    "{% for m in messages %}<|{{ m['role'] }}|>{{ m['content'] }}<|end|>{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)
COUNT, LONGEST = 6, 16_384


@pytest.fixture(scope="module", autouse=True)
def offline(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Nothing is asked of the hub, and caches stay in the tests' own folder; set before the libraries are loaded."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("HF_HUB_OFFLINE", "HF_DATASETS_OFFLINE", "TRANSFORMERS_OFFLINE", "HF_HUB_DISABLE_TELEMETRY"):
            patch.setenv(name, "1")
        patch.setenv("HF_HOME", str(tmp_path_factory.mktemp("hub")))
        yield


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file in each format."""
    path = tmp_path_factory.mktemp("files")
    for name in FORMATS:
        (path / f"{name}.jsonl").write_bytes(written(name, COUNT))
    return path


def load(folder: Path, name: str) -> Any:
    import datasets

    return datasets.load_dataset(
        "json", data_files=str(folder / f"{name}.jsonl"), split="train", cache_dir=str(folder / "cache")
    )


@pytest.fixture(scope="module")
def tokenizer(offline: None) -> Any:
    """A small vocabulary, learned from the rows, with a chat template."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    learner = trainers.BpeTrainer(
        vocab_size=1500, special_tokens=["<|pad|>", "<|end|>", "<|system|>", "<|user|>", "<|assistant|>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False,
    )  # fmt: skip
    made.train_from_iterator((message["content"] for row in rows(count=COUNT) for message in row.messages), learner)
    return PreTrainedTokenizerFast(
        tokenizer_object=made, pad_token="<|pad|>", eos_token="<|end|>", chat_template=TEMPLATE
    )


def model(tokenizer: Any) -> Any:
    from transformers import LlamaConfig, LlamaForCausalLM

    config = LlamaConfig(
        vocab_size=len(tokenizer), hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=2,
        max_position_embeddings=LONGEST, pad_token_id=tokenizer.pad_token_id, eos_token_id=tokenizer.eos_token_id,
        bos_token_id=None,
    )  # fmt: skip
    return LlamaForCausalLM(config)


@pytest.mark.parametrize("name", FORMATS)
def test_datasets_loads_the_file_as_it_was_written(folder: Path, name: str) -> None:
    loaded = load(folder, name)
    assert loaded.num_rows == COUNT
    form = FORMATS[name]
    for value, row in zip(loaded, rows(form.kind, COUNT), strict=True):
        assert set(value) == set(form.write(row))
        read = form.read(value)
        assert (read.prompt, read.answer, read.rejected) == (row.prompt, row.answer, row.rejected)


@pytest.mark.parametrize("name", ["openai-chat", "trl-sft", "trl-dpo"])
def test_trl_sees_a_conversation_and_writes_it_out(folder: Path, name: str, tokenizer: Any) -> None:
    from trl.data_utils import apply_chat_template, is_conversational

    for value, row in zip(load(folder, name), rows(FORMATS[name].kind, COUNT), strict=True):
        assert is_conversational(value)
        texts = apply_chat_template(value, tokenizer)
        asked = "".join(f"<|{message.role}|>{message.content}<|end|>" for message in row.prompt)
        answers = {"completion": row.answer, "chosen": row.answer, "rejected": row.rejected}
        wanted = {each: f"{answers[each]}<|end|>" for each in answers if each in value}
        if name == "openai-chat":
            assert texts == {"text": f"{asked}<|assistant|>{row.answer}<|end|>"}
        else:
            assert texts == {"prompt": f"{asked}<|assistant|>", **wanted}


@pytest.mark.parametrize("name", ["openai-chat", "trl-sft"])
def test_the_supervised_trainer_takes_a_step(folder: Path, name: str, tokenizer: Any, tmp_path: Path) -> None:
    from trl import SFTConfig, SFTTrainer

    trainer = SFTTrainer(
        model(tokenizer), SFTConfig(str(tmp_path), max_length=LONGEST, **steps()), train_dataset=load(folder, name),
        processing_class=tokenizer,
    )  # fmt: skip
    assert trainer.train().global_step == 1
    if name == "trl-sft":
        for value, row in zip(trainer.train_dataset, rows(count=COUNT), strict=True):
            learned = [token for token, label in zip(value["input_ids"], value["labels"], strict=True) if label != -100]
            assert tokenizer.decode(learned) == f"{row.answer}<|end|>"


@pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing` is deprecated:FutureWarning")  # TRL's own call
def test_the_preference_trainer_takes_a_step(folder: Path, tokenizer: Any, tmp_path: Path) -> None:
    from trl import DPOConfig, DPOTrainer

    trainer = DPOTrainer(
        model(tokenizer), model(tokenizer), DPOConfig(str(tmp_path), max_length=LONGEST, **steps()),
        train_dataset=load(folder, "trl-dpo"), processing_class=tokenizer,
    )  # fmt: skip
    assert trainer.train().global_step == 1


def steps() -> dict[str, Any]:
    return {
        "max_steps": 1, "per_device_train_batch_size": 1, "report_to": "none", "use_cpu": True, "save_strategy": "no",
        "bf16": False, "logging_strategy": "no", "disable_tqdm": True,
        "gradient_checkpointing": None, "activation_checkpointing": False,
    }  # fmt: skip
