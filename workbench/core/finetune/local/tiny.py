"""A tiny causal model made from a configuration, and its tokenizer from the very rows it is to learn: no download.

Run as ``python -m workbench.core.finetune.local.tiny FOLDER FILE...``, so that torch stays out of the workbench's own
process. A model of this size learns to write structures that fit the schema, and nothing else. ``--times 2`` makes all
of it twice as wide and as deep.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Iterator
from pathlib import Path

VOCABULARY = 1500
LAYERS, WIDTH, HEADS, INNER = 4, 160, 4, 400
"""About 1.4 million parameters; input and output share their embedding."""
CONTEXT = 8192
LICENCE = "CC0-1.0"
"""Random numbers are nobody's; what a tuned model may be used for follows from its rows."""
PAD, END = "<|pad|>", "<|end|>"
WORDS = "|".join(
    (
        r"-?\d+(?:\.\d+)?(?![\w/]),?",
        r"""[\[\]{},:"]*"[A-Za-z]+":[\[{"]*""",
        r"""[\[\]{},:"]+""",
        r""" ?[^\s\[\]{},:"]+(?:","(?![A-Za-z]+":))?""",
        r"\s+",
    )
)
"""What never shares a token with its neighbours: a number with its comma, a member's name with JSON's signs around it,
other signs, a word with what parts it from the next in a list, white space. So every note of a tune is one token, its
length and every chord are one, and answers are half as long as with the usual words."""
ROLES = ("<|system|>", "<|user|>", "<|assistant|>")
CHAT_TEMPLATE = (
    "{% for message in messages %}<|{{ message.role }}|>{{ message.content }}<|end|>{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)


def make_tiny(folder: Path, texts: Iterable[str], *, seed: int = 0, times: int = 1) -> None:
    """Write a Llama-shaped model with random weights, a byte-level BPE trained on the texts, and a card.

    ``times`` as wide and as deep as usual it has some ``times ** 3`` as many parameters.

    Imports torch and transformers: call it in a process of its own.
    """
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    tokenizer = _tokenizer(texts)
    torch.manual_seed(seed)
    model = LlamaForCausalLM(
        LlamaConfig(
            vocab_size=len(tokenizer),
            hidden_size=WIDTH * times,
            intermediate_size=INNER * times,
            num_hidden_layers=LAYERS * times,
            num_attention_heads=HEADS * times,
            num_key_value_heads=HEADS * times,
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
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    bytewise = Tokenizer(models.BPE())
    bytewise.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(WORDS), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
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
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("files", type=Path, nargs="+")
    parser.add_argument("--times", type=int, default=1)
    given = parser.parse_args()
    make_tiny(given.folder, texts_of(given.files), times=given.times)
