"""The command line as its user meets it: results on standard output, one line for whatever goes wrong."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from workbench import cli
from workbench.commands import inputs
from workbench.core.music import reading

ROOT = Path(__file__).parents[1]
COMMAND = [sys.executable, "-m", "workbench"]
SHORT: dict[str, Any] = {"form": "binary", "duration": 20, "tempo": 100, "seed": 3}


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """Call the command line in this process, from an empty folder: (exit code, standard output, standard error)."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("WORKBENCH_PROVIDER", raising=False)

    def call(*arguments: str | Path) -> tuple[int, str, str]:
        code = cli.main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return call


def spawn(*arguments: str, stdin: bytes = b"", folder: Path = ROOT, **environment: str) -> Any:
    """Run the command line as a program of its own."""
    return subprocess.run(
        [*COMMAND, *arguments],
        input=stdin,
        capture_output=True,
        cwd=folder,
        timeout=60,
        env=os.environ | {"PYTHONPATH": str(ROOT)} | environment,
    )


def one_complaint(code: int, out: str, err: str) -> str:
    """Assert that input was refused as it should be, and give the line."""
    assert code == 2
    assert out == ""
    assert err.count("\n") == 1, err
    assert err.startswith("workbench: ")
    assert "Traceback" not in err
    return err


# generate ------------------------------------------------------------------------------------------------------------


def test_generate_answers_in_the_shape_of_the_contract(run: Any) -> None:
    code, out, err = run("generate", "--form", "rondo", "--duration", "40", "--seed", "5", "--json")
    assert (code, err) == (0, "")
    answer = json.loads(out)
    assert set(answer) >= {"id", "structure", "provider", "model", "variant", "outcome", "report", "repairs", "usage"}
    assert (answer["provider"], answer["model"], answer["variant"]) == ("rules", None, "base")
    assert answer["outcome"] == "first-try"
    assert answer["repairs"] == []
    assert answer["report"]["valid"] is True
    assert answer["report"]["counts"]["error"] == 0
    assert reading.read_structure(answer["structure"]).form == "rondo"


def test_the_same_seed_gives_the_same_piece_and_another_seed_another(run: Any) -> None:
    def piece(seed: int) -> Any:
        return json.loads(run("generate", "--duration", "30", "--seed", str(seed), "--json")[1])["structure"]

    assert piece(1) == piece(1)
    assert piece(1) != piece(2)


def test_options_say_what_a_request_can_say(run: Any) -> None:
    code, out, _ = run(
        *(
            "generate",
            "--form",
            "ABA",
            "--period",
            "baroque",
            "--valence",
            "-0.5",
            "--arousal",
            "0.8",
            "--focus",
            "0.9",
        ),
        *("--duration", "45", "--key", "f# minor", "--tempo", "90", "--meter", "3/4", "--instrumentation", "flute"),
        *("--motif", "1,#4,-1", "--rhythm", "1,0.5,0.5", "--motif-tag", "light", "--brief", "short", "--json"),
    )
    assert code == 0
    structure = json.loads(out)["structure"]
    assert (structure["key"], structure["tempo"], structure["timeSignature"]) == ("f# minor", 90, "3/4")
    assert (structure["form"], structure["period"]) == ("ABA", "baroque")


def test_options_go_before_what_the_file_says(run: Any, tmp_path: Path) -> None:
    path = tmp_path / "wish.json"
    path.write_text(json.dumps(SHORT | {"bpm": 100, "key": "C major"} | {"tempo": None}).replace(', "tempo": null', ""))
    code, out, err = run("generate", "--request", path, "--key", "Eb", "--json")
    assert (code, err) == (0, "")
    structure = json.loads(out)["structure"]
    assert (structure["key"], structure["tempo"]) == ("Eb major", 100)


def test_without_json_a_person_sees_what_came(run: Any) -> None:
    code, out, err = run("generate", "--form", "sonata", "--key", "Bb", "--duration", "60", "--seed", "1")
    assert (code, err) == (0, "")
    assert "sonata" in out
    assert "B♭ major" in out
    assert "bars" in out


def test_an_airia_pair_is_a_request(run: Any, airia_files: list[Path]) -> None:
    code, out, _ = run("generate", "--request", airia_files[0], "--json")
    assert code == 0
    assert json.loads(out)["structure"]["form"] == "sonata"


def test_files_are_written_for_each_format(run: Any, tmp_path: Path) -> None:
    code, _, err = run(
        *("generate", "--duration", "20", "--tempo", "120", "--seed", "1", "--out", tmp_path / "new" / "folder"),
        *("--format", "json,midi,musicxml,wav,svg"),
    )
    assert code == 0, err
    written = sorted((tmp_path / "new" / "folder").iterdir())
    assert {path.suffix for path in written} == {".json", ".mid", ".musicxml", ".wav", ".svg"}
    stem = next(path.stem for path in written if path.suffix == ".mid")
    by_suffix = {path.suffix: path for path in written}
    assert by_suffix[".svg"].name == f"{stem}-1.svg" or (tmp_path / "new" / "folder" / f"{stem}-1.svg").exists()
    assert by_suffix[".mid"].read_bytes().startswith(b"MThd")
    assert by_suffix[".wav"].read_bytes().startswith(b"RIFF")
    assert b"<score-partwise" in by_suffix[".musicxml"].read_bytes()
    assert reading.read_structure(by_suffix[".json"].read_bytes())
    assert all(str(path) in err for path in written)


def test_a_request_from_standard_input(tmp_path: Path) -> None:
    done = spawn("generate", "--request", "-", "--json", stdin=json.dumps(SHORT).encode(), folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["structure"]["form"] == "binary"


def test_what_generate_prints_render_takes(tmp_path: Path) -> None:
    answer = spawn("generate", "--duration", "20", "--json", folder=tmp_path).stdout
    done = spawn("render", "-", "--format", "midi,json", "--json", stdin=answer, folder=tmp_path)
    assert done.returncode == 0, done.stderr
    files = json.loads(done.stdout)["files"]
    assert sorted(Path(name).suffix for name in files) == [".json", ".mid"]
    assert all((tmp_path / name).exists() for name in files)


# many requests -------------------------------------------------------------------------------------------------------


def lines_file(folder: Path, *lines: Any) -> Path:
    path = folder / "wishes.jsonl"
    path.write_bytes(b"\n".join(line if isinstance(line, bytes) else json.dumps(line).encode() for line in lines))
    return path


def test_a_file_of_requests_gives_a_set_of_files_each(run: Any, tmp_path: Path) -> None:
    path = lines_file(tmp_path, SHORT | {"id": "first"}, b"", SHORT, SHORT | {"id": "last"})
    code, out, err = run("generate", "--request", path, "--out", tmp_path / "out", "--format", "json,midi")
    assert (code, out) == (0, "")
    names = {entry.name for entry in (tmp_path / "out").iterdir()}
    assert names == {"first.json", "first.mid", "3.json", "3.mid", "last.json", "last.mid"}
    assert "3 of 3" in err


def test_with_json_many_answers_are_one_list(run: Any, tmp_path: Path) -> None:
    path = lines_file(tmp_path, SHORT, SHORT | {"id": "x"})
    code, out, _ = run("generate", "--request", path, "--json")
    assert code == 0
    assert [answer["id"] for answer in json.loads(out)] == ["1", "x"]


def test_a_bad_line_is_reported_and_the_others_are_kept(run: Any, tmp_path: Path) -> None:
    path = lines_file(
        tmp_path,
        SHORT | {"id": "good"},
        SHORT | {"tempo": 10**9},
        b"{broken",
        b"\xff\xfe",
        [],
        b'{"brief": "' + b"x" * 1_100_000 + b'"}',
        SHORT | {"id": "also-good"},
    )
    code, out, err = run("generate", "--request", path, "--out", tmp_path / "out", "--format", "json", "--json")
    assert code == 1
    assert [answer["id"] for answer in json.loads(out)] == ["good", "also-good"]
    complaints = [line for line in err.splitlines() if line.startswith("workbench: ")]
    assert len(complaints) == 5
    assert f"{path}, line 2, field /tempo" in complaints[0]
    assert "at most 220" in complaints[0]
    for number, complaint in zip((2, 3, 4, 5, 6), complaints, strict=True):
        assert f"line {number}" in complaint
    assert "2 of 7" in err


@pytest.mark.parametrize("ids", [("same", "same"), ("same", "SAME"), ("2", None)])
def test_one_name_twice_overwrites_nothing(run: Any, tmp_path: Path, ids: tuple[str, str | None]) -> None:
    lines = [SHORT | {"seed": number} | ({"id": name} if name else {}) for number, name in enumerate(ids)]
    path = lines_file(tmp_path, *lines)
    code, out, err = run("generate", "--request", path, "--out", tmp_path / "out", "--format", "json", "--json")
    assert code == 1
    assert len(json.loads(out)) == len(list((tmp_path / "out").iterdir())) == 1
    assert "line 2, field /id" in err
    assert "line 1" in err


def test_nothing_usable_at_all_is_exit_2(run: Any, tmp_path: Path) -> None:
    code, out, err = run("generate", "--request", lines_file(tmp_path, b"{", b"[]"), "--json")
    assert (code, json.loads(out)) == (2, [])
    assert len(err.splitlines()) == 3
    code, _, err = run("generate", "--request", lines_file(tmp_path, b"", b"  "))
    assert code == 2
    assert "no request" in err


def test_lines_on_standard_input_are_many_requests(tmp_path: Path) -> None:
    data = b"\n".join(json.dumps(SHORT | {"id": name}).encode() for name in "ab")
    done = spawn("generate", "--request", "-", "--json", stdin=data, folder=tmp_path)
    assert done.returncode == 0
    assert [answer["id"] for answer in json.loads(done.stdout)] == ["a", "b"]


def test_stopping_leaves_no_half_written_file(tmp_path: Path) -> None:
    path = lines_file(tmp_path, *(SHORT | {"id": f"p{number}", "duration": 60} for number in range(2000)))
    process = subprocess.Popen(
        [*COMMAND, "generate", "--request", str(path), "--out", "out", "--format", "json,midi,musicxml"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stderr=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and len(list((tmp_path / "out").glob("*.mid"))) < 3:
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    try:
        _, err = process.communicate(timeout=30)
    finally:
        process.kill()
        process.communicate()
    assert process.returncode == 130
    assert "Traceback" not in err
    written = list((tmp_path / "out").iterdir())
    assert written
    assert not [entry for entry in written if entry.suffix == ".part"]
    for entry in written:
        if entry.suffix == ".json":
            reading.read_structure(entry.read_bytes())
        elif entry.suffix == ".musicxml":
            assert entry.read_bytes().rstrip().endswith(b"</score-partwise>")


# render --------------------------------------------------------------------------------------------------------------


def test_render_takes_airia_pairs(run: Any, tmp_path: Path, airia_files: list[Path]) -> None:
    code, out, err = run("render", airia_files[3], "--format", "midi,musicxml", "--json")
    assert (code, err) == (0, "")
    assert json.loads(out) == {"files": ["piece-13.mid", "piece-13.musicxml"]}
    assert (tmp_path / "piece-13.mid").read_bytes().startswith(b"MThd")


def test_render_does_not_overwrite_what_it_reads(run: Any, tmp_path: Path, airia_files: list[Path]) -> None:
    path = tmp_path / "piece.json"
    path.write_bytes(airia_files[3].read_bytes())
    before = path.read_bytes()
    line = one_complaint(*run("render", path, "--format", "midi,json"))
    assert "not overwritten" in line
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_a_numeral_that_cannot_be_read_is_named(run: Any, tmp_path: Path) -> None:
    section = {"name": "A", "key": "C major", "measures": 4, "chordProgression": ["I", "Q7", "I"]}
    structure = {"key": "C major", "tempo": 90, "timeSignature": "4/4", "form": "ABA", "sections": [section]}
    path = tmp_path / "odd.json"
    path.write_text(json.dumps(structure))
    line = one_complaint(*run("render", path, "--format", "midi"))
    assert "Q7" in line
    assert not list(tmp_path.glob("*.mid"))


# bad input -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", ["generate --request", "render"])
@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b"   \n", "is empty"),
        (b"{", "not JSON"),
        (b"\x00\x01\x02\xff", "not UTF-8"),
        (b"MThd\x00\x00\x00\x06", "not JSON"),
        (b"[1, 2]", "JSON object"),
        (b'{"swing": true, "sections": 5}', ""),
        (b"[" * 5000, "levels deep"),
        (b'{"a": 1, "a": 2}', "twice"),
        (b'{"tempo": NaN}', "NaN"),
        (b'{"brief": "' + b"x" * 10_000_000 + b'"}', "longer than 1,000,000 bytes"),
        (b'{"tempo": 1000000000}', ""),
        (b'{"\x1b[31m\\u001b[31m": 1}', ""),
        (json.dumps({"sections": [{"name": "A"}] * 40}).encode(), ""),
    ],
)
def test_a_file_that_cannot_be_used_is_told_in_one_line(
    run: Any, tmp_path: Path, command: str, content: bytes, words: str
) -> None:
    path = tmp_path / "bad.json"
    path.write_bytes(content)
    started = time.perf_counter()
    line = one_complaint(*run(*command.split(), path))
    assert words in line
    assert "bad.json" in line
    assert "\x1b" not in line
    assert len(line) < 700
    assert time.perf_counter() - started < 30
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("command", ["generate --request", "render"])
def test_a_path_that_cannot_be_read_is_told_in_one_line(run: Any, tmp_path: Path, command: str) -> None:
    assert "does not exist" in one_complaint(*run(*command.split(), tmp_path / "nowhere.json"))
    assert "is a folder" in one_complaint(*run(*command.split(), tmp_path))
    assert "1,000,000 bytes" in one_complaint(*run(*command.split(), "/dev/zero"))
    one_complaint(*run(*command.split(), "x" * 5000))
    one_complaint(*run(*command.split(), "a\0b"))


def test_a_jsonl_that_is_not_there_is_told_in_one_line(run: Any, tmp_path: Path) -> None:
    assert "does not exist" in one_complaint(*run("generate", "--request", tmp_path / "nowhere.jsonl"))
    (tmp_path / "folder.jsonl").mkdir()
    assert "is a folder" in one_complaint(*run("generate", "--request", tmp_path / "folder.jsonl"))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read(run: Any, tmp_path: Path) -> None:
    path = tmp_path / "secret.json"
    path.write_text("{}")
    path.chmod(0)
    assert "may not be read" in one_complaint(*run("render", path))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["compose"], "compose"),
        (["generate", "--frm", "ABA"], "--frm"),
        (["generate", "--valence", "bright"], "--valence"),
        (["generate", "--valence", "3"], "valence"),
        (["generate", "--valence", "nan"], "valence"),
        (["generate", "--tempo", "1e9"], "at most 220"),
        (["generate", "--duration", "1"], "at least 20"),
        (["generate", "--seed", "-1"], "--seed"),
        (["generate", "--seed", str(2**70)], "seed"),
        (["generate", "--key", "H"], "not a key"),
        (["generate", "--meter", "7/8"], "7/8"),
        (["generate", "--period", "punk"], "period"),
        (["generate", "--motif", "1,x"], "not a scale degree"),
        (["generate", "--rhythm", "1,x"], "rhythm"),
        (["generate", "--provider", "oracle"], "not a provider"),
        (["generate", "--format", "midi"], "--out"),
        (["generate", "--format", "mp3", "--out", "x"], "'mp3' is not a format"),
        (["generate", "--format", ",", "--out", "x"], "no format"),
        (["generate", "--out"], "--out"),
        (["generate", "extra"], "extra"),
        (["render"], "FILE"),
        (["render", "a", "b"], "b"),
        (["--port", "0"], "--port"),
        (["--port", "many"], "--port"),
        (["--nonsense"], "--nonsense"),
    ],
)
def test_arguments_that_cannot_be_used_are_told_in_one_line(run: Any, arguments: list[str], words: str) -> None:
    assert words.lower() in one_complaint(*run(*arguments)).lower()


def test_a_folder_that_cannot_be_written_is_told_in_one_line(run: Any, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for place in ("file", "file/below", "/proc/nothing"):
        assert "--out" in one_complaint(*run("generate", "--duration", "20", "--out", place))


def test_a_wrong_setting_is_named(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKBENCH_FT_SHARE", "seven")
    assert "WORKBENCH_FT_SHARE" in one_complaint(*run("generate"))
    monkeypatch.delenv("WORKBENCH_FT_SHARE")
    monkeypatch.setenv("WORKBENCH_PROVIDER", "oracle")
    assert "'oracle' is not a provider" in one_complaint(*run("generate"))


def test_a_reader_that_leaves_is_no_trouble(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [*COMMAND, "generate", "--duration", "300", "--json"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    err = process.stderr.read()
    process.stderr.close()
    process.wait(timeout=60)
    assert err == b""


def test_any_locale_can_be_written_to(tmp_path: Path) -> None:
    done = spawn("generate", "--key", "Bb", "--duration", "20", folder=tmp_path, LC_ALL="C", PYTHONIOENCODING="ascii")
    assert done.returncode == 0, done.stderr
    assert "B♭" in done.stdout.decode()


def test_a_fault_of_our_own_is_one_line_too(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any, **__: Any) -> Any:
        raise RuntimeError("oh\nno")

    monkeypatch.setattr("workbench.core.generate.judging.compose_plan", broken)
    code, out, err = run("generate")
    assert (code, out) == (1, "")
    assert err.count("\n") == 1
    assert "RuntimeError: oh no" in err


# the app and the rest ------------------------------------------------------------------------------------------------


def test_no_command_starts_the_app(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[tuple[int, bool]] = []
    monkeypatch.setattr("workbench.server.start", lambda *, port, headless: started.append((port, headless)))
    assert run("--port", "9001", "--headless")[0] == 0
    assert run()[0] == 0
    assert started == [(9001, True), (8501, False)]


def test_help_and_version(run: Any) -> None:
    code, out, _ = run("--help")
    assert code == 0
    assert "generate" in out
    assert "render" in out
    assert run("generate", "--help")[0] == 0
    assert run("--version")[1].startswith("workbench ")


def test_the_limits_of_reading_are_one() -> None:
    assert inputs.MAX_BYTES == reading.MAX_BYTES


@pytest.mark.parametrize("arguments", [["--help"], ["generate", "--json"]])
def test_commands_work_from_a_cold_start(tmp_path: Path, arguments: list[str]) -> None:
    # How soon they are done is measured in make bench.
    assert spawn(*arguments, folder=tmp_path).returncode == 0
