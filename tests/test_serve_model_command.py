"""``serve-model`` as it is typed: refusals in one line, and the vLLM command; that it serves is tested elsewhere."""

from __future__ import annotations

import shlex
import socket
from pathlib import Path

import pytest

from workbench.cli import main
from workbench.core.finetune.serving import server


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A model by its files alone."""
    folder = tmp_path / "my tune's" / "merged"
    folder.mkdir(parents=True)
    (folder / "config.json").write_text('{"max_position_embeddings": 4096}')
    (folder / "model.safetensors").write_bytes(b"0")
    return folder


def test_the_vllm_command_is_printed(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["serve-model", str(folder), "Qwen/Qwen3-0.6B", "--name", "ft:one", "--vllm", "--port", "9000"]) == 0
    first, second = (shlex.split(line) for line in capsys.readouterr().out.splitlines())
    assert first == [
        "vllm", "serve", str(folder), "--served-model-name", "ft:one", "--host", "127.0.0.1", "--port", "9000",
        "--max-model-len", "4096",
    ]  # fmt: skip
    assert second[2:5] == ["Qwen/Qwen3-0.6B", "--served-model-name", "Qwen/Qwen3-0.6B"]
    assert second[-2:] == ["--port", "9001"]


def test_without_its_parts_it_says_how_to_install_them(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "find_spec", lambda name: None if name in ("torch", "llguidance") else object())
    for option, named in (([], "torch, llguidance"), (["--no-grammar"], "torch")):
        assert main(["serve-model", "some/model", *option]) == 2
        told = capsys.readouterr().err
        assert told == f"workbench: Serving models needs {named}: pip install -r requirements-local.txt\n"


def test_what_cannot_be_served_is_refused_in_one_line(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "find_spec", lambda _: object())
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        for arguments, words in (
            ([str(folder.parent.parent)], "holds no whole model"),
            (["some/model", "--host", "0.0.0.0"], "Set WORKBENCH_SERVE_TOKEN"),
            (["some/model", "--port", port], f"127.0.0.1:{port}: address already in use"),
            (["some/model", "--host", "no.such.host.invalid", "--port", port], "WORKBENCH_SERVE_TOKEN"),
            ([], "Missing argument"),
        ):
            assert main(["serve-model", *arguments]) == 2
            told = capsys.readouterr().err
            assert words in told
            assert told.count("\n") == 1
