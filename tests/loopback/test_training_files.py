"""Uploads of training files: our exports are taken by the loopback provider, and it refuses what a provider refuses."""

from __future__ import annotations

import ast
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openai
import pytest
import training_files
from loopback import Loopback
from openai import OpenAI
from training_files import Method, problems_in
from training_rows import written

CHAT, PAIRS = written("openai-chat"), written("openai-dpo")


def edited(data: bytes, change: Callable[[dict[str, Any]], object], line: int = 3) -> bytes:
    lines = data.splitlines()
    value = json.loads(lines[line - 1])
    change(value)
    lines[line - 1] = json.dumps(value).encode()
    return b"\n".join(lines) + b"\n"


def refusal(
    client: OpenAI, data: bytes, name: str = "train.jsonl", purpose: Any = "fine-tune"
) -> openai.BadRequestError:
    with pytest.raises(openai.BadRequestError) as refused:
        client.files.create(file=(name, data), purpose=purpose)
    return refused.value


def test_its_rules_know_nothing_of_ours() -> None:
    tree = ast.parse(Path(training_files.__file__).read_text("utf-8"))
    modules = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert not [name for name in modules if name and name.startswith("workbench")]


@pytest.mark.parametrize("data", [CHAT, PAIRS], ids=["openai-chat", "openai-dpo"])
def test_our_exports_are_taken(client: OpenAI, server: Loopback, data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "train.jsonl"
    path.write_bytes(data)
    file = client.files.create(file=path, purpose="fine-tune")
    assert (file.bytes, file.filename, file.purpose, file.status) == (len(data), path.name, "fine-tune", "processed")
    assert file.id.startswith("file-")
    assert client.files.create(file=path, purpose="fine-tune").id != file.id
    assert [(seen.method, seen.path) for seen in server.seen] == [("POST", "/v1/files")] * 2


def test_a_file_arrives_byte_for_byte(client: OpenAI) -> None:
    odd = b"--x\r\n\r\n\r\n--" + bytes(range(256)) * 300 + b"\n\r"
    assert client.files.create(file=("odd.bin", odd), purpose="user_data").bytes == len(odd)


def test_what_is_refused_is_told_in_openais_shape(client: OpenAI) -> None:
    refused = refusal(client, CHAT.replace(b'"role":"user"', b'"role":"human"', 1))
    assert refused.code == "invalid_file_format"
    assert refused.param == "file"
    assert "Line 1: messages[1] has an unknown role." in refused.message


@pytest.mark.parametrize(
    ("name", "purpose", "says"),
    [("a.json", "fine-tune", "Invalid extension"), ("a.jsonl", "fun", "not one of"), ("a.jsonl", "", "required")],
)  # fmt: skip
def test_a_wrong_name_or_purpose_is_refused(client: OpenAI, name: str, purpose: str, says: str) -> None:
    assert says in refusal(client, CHAT, name, purpose).message


def test_what_is_no_form_is_refused(client: OpenAI) -> None:
    with pytest.raises(openai.APIStatusError) as refused:
        client.post("/files", body={"purpose": "fine-tune"}, cast_to=object)
    assert refused.value.status_code == 415


@pytest.mark.parametrize(
    ("method", "data", "says"),
    [
        ("supervised", b"\n".join(CHAT.splitlines()[:9]), "has 9 example(s)"),
        ("supervised", b"", "has 0 example(s)"),
        ("supervised", b"\xef\xbb\xbf" + CHAT, "Line 1: unexpected byte order mark"),
        ("supervised", CHAT + b"\n" + CHAT, "Line 13: not valid JSON"),
        ("supervised", CHAT.replace(b"Request", b"\xff", 1), "Line 1: not valid JSON"),
        ("supervised", CHAT + b"[]\n", "Line 13: expected a JSON dictionary"),
        ("supervised", CHAT + b'{"messages":1,"messages":1}', "a key stands twice"),
        ("supervised", edited(CHAT, lambda row: row.update(messages=[])), "Line 3: 'messages' must be"),
        ("supervised", edited(CHAT, lambda row: row.update(note="x")), "Line 3: unexpected keys ['note']"),
        ("supervised", edited(CHAT, lambda row: row["messages"].pop()), "Line 3: the last message"),
        ("supervised", edited(CHAT, lambda row: row["messages"][0].update(weight=1)), "has a weight but"),
        ("supervised", edited(CHAT, lambda row: row["messages"][-1].update(weight=0.5)), "must be 0 or 1"),
        ("supervised", edited(CHAT, lambda row: row["messages"][-1].update(weight=0)), "at least one assistant"),
        ("supervised", edited(CHAT, lambda row: row["messages"][-1].update(content=" ")), "has no text"),
        ("supervised", edited(CHAT, lambda row: row["messages"][1].update(mood="x")), "unexpected keys ['mood']"),
        ("supervised", PAIRS, "Line 1: unexpected keys"),
        ("dpo", CHAT, "Line 1: unexpected keys"),
        ("dpo", edited(PAIRS, lambda row: row.pop("input")), "Line 3: 'input' must have"),
        ("dpo", edited(PAIRS, lambda row: row["input"].update(x=1)), "Line 3: unexpected keys ['x'] in 'input'"),
        ("dpo", edited(PAIRS, lambda row: row["input"]["messages"].append({"role": "assistant", "content": "x"})),
         "Line 3: the last message of 'input'"),
        ("dpo", edited(PAIRS, lambda row: row["preferred_output"].append(row["preferred_output"][0])), "exactly one"),
        ("dpo", edited(PAIRS, lambda row: row.pop("non_preferred_output")), "'non_preferred_output' must be"),
    ],
)  # fmt: skip
def test_a_planted_fault_is_refused(method: Method, data: bytes, says: str) -> None:
    assert says in " ".join(problems_in(data, method=method))


def test_the_first_twenty_reasons_are_told() -> None:
    assert len(problems_in(b"{}\n" * 1000)) == 20
