"""A tiny causal model made from a configuration, and its tokenizer from the very rows it is to learn: no download.

Run as ``python -m workbench.core.finetune.local.tiny FOLDER FILE...``, so that torch stays out of the workbench's own
process. A model of this size learns to write structures that fit the schema, and nothing else.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

VOCABULARY = 1500
LAYERS, WIDTH, HEADS, INNER = 4, 160, 4, 400
"""About 1.4 million parameters; input and output share their embedding."""
CONTEXT = 8192
LICENCE = "CC0-1.0"
"""Random numbers are nobody's; what a tuned model may be used for follows from its rows."""
PAD, END = "<|pad|>", "<|end|>"
ROLES = ("<|system|>", "<|user|>", "<|assistant|>")
CHAT_TEMPLATE = (
    "{% for message in messages %}<|{{ message.role }}|>{{ message.content }}<|end|>{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)


def make_tiny(folder: Path, texts: Iterable[str], *, seed: int = 0) -> None:
    """Write a Llama-shaped model with random weights, a byte-level BPE trained on the texts, and a card.

    Imports torch and transformers: call it in a process of its own.
    """
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    tokenizer = _tokenizer(texts)
    torch.manual_seed(seed)
    model = LlamaForCausalLM(
        LlamaConfig(
            vocab_size=len(tokenizer),
            hidden_size=WIDTH,
            intermediate_size=INNER,
            num_hidden_layers=LAYERS,
            num_attention_heads=HEADS,
            num_key_value_heads=HEADS,
            max_position_embeddings=CONTEXT,
            tie_word_embeddings=True,
            bos_token_id=None,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
        )
    )
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    (folder / "README.md").write_text(
        f"---\nlicense: {LICENCE.lower()}\n---\nRandom weights from a configuration, seed {seed}; never trained.\n",
        "utf-8",
    )


def texts_of(files: Iterable[Path]) -> Iterator[str]:
    """All that is said in the rows of training files in TRL's formats."""
    for file in files:
        with file.open(encoding="utf-8") as lines:
            for line in lines:
                for said in json.loads(line).values():
                    yield from (message["content"] for message in said)


def _tokenizer(texts: Iterable[str]):  # type: ignore[no-untyped-def]  # transformers is not typed
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    bytewise = Tokenizer(models.BPE())
    bytewise.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bytewise.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=[PAD, END, *ROLES],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    bytewise.train_from_iterator(texts, trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=bytewise, pad_token=PAD, eos_token=END, chat_template=CHAT_TEMPLATE, model_max_length=CONTEXT
    )


if __name__ == "__main__":
    make_tiny(Path(sys.argv[1]), texts_of(map(Path, sys.argv[2:])))
