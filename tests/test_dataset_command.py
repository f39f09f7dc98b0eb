"""Datasets from the command line: each command as its user would call it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.core.datasets.small_version import RECIPE, ROOT, copied, with_facts
from workbench import cli
from workbench.core.datasets.frozen import frozen_tests
from workbench.core.datasets.review.marks import marks_of
from workbench.core.datasets.rows import Facts
from workbench.core.datasets.versions import Version, facts_of_version, versions
from workbench.core.library import database as database_module
from workbench.core.library.database import Database
from workbench.core.settings import Settings

BOM = b"\xef\xbb\xbf"


class Done(NamedTuple):
    """What a command came to."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """What was printed, as JSON."""
        return json.loads(self.out)

    @property
    def complaint(self) -> str:
        """The one line that tells why the input cannot be used, with its hint."""
        assert (self.code, self.out) == (2, ""), self
        assert self.err.count("\n") == 1, self.err
        assert self.err.startswith("workbench: ")
        assert "fault in the workbench" not in self.err
        return self.err


Run = Callable[..., Done]


class Here(NamedTuple):
    """A library with the small version, in a folder of one's own."""

    folder: Path
    database: Database
    version: Version

    @property
    def facts(self) -> list[Facts]:
        return list(facts_of_version(self.database, self.version.id))

    def file(self, name: str, data: Any) -> Path:
        """A file with a text, bytes, or something as JSON."""
        path = self.folder / name
        path.write_bytes(data if isinstance(data, bytes) else json.dumps(data).encode())
        return path


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Here]:
    database, version = copied(tmp_path)
    monkeypatch.setenv("WORKBENCH_DATA_DIR", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    yield Here(tmp_path, database, version)
    database.close()
    database_module.shared_database(Settings(_env_file=None)).close()  # type: ignore[call-arg]


@pytest.fixture
def run(here: Here, capsys: pytest.CaptureFixture[str]) -> Run:
    """Call the command line in this process."""

    def call(*arguments: object) -> Done:
        code = cli.main(["dataset", *map(str, arguments)])
        said = capsys.readouterr()
        return Done(code, said.out, said.err)

    return call


@pytest.fixture
def exported(here: Here, run: Run) -> Path:
    folder = here.folder / "out"
    assert run("export", here.version.id, folder).code == 0
    return folder


# Build


def test_a_recipe_is_built_and_built_again_is_the_very_same(here: Here, run: Run) -> None:
    recipe = here.file("recipe.json", {"name": "rondos", "sources": {"forms": ["rondo"]}})
    done = run("build", "--recipe", recipe, "--as", "bob", "--processes", "0")
    assert done.code == 0
    first = versions(here.database, "rondos")[0]
    assert done.out == f"{first.id}  rondos 1  {first.rows} rows\n"
    assert first.curator == "bob"
    assert "Making and checking the rows" in done.err
    again = run("build", "--recipe", recipe)
    assert (again.code, "very same version" in again.out) == (0, True)
    assert len(versions(here.database, "rondos")) == 1


def test_a_build_tells_the_version_as_json_under_another_name(here: Here, run: Run) -> None:
    recipe = here.file("recipe.json", {"name": "rondos", "sources": {"forms": ["rondo"]}})
    told = run("build", "--recipe", recipe, "--name", "mine", "--json").json
    assert (told["name"], told["number"], told["new"], told["kind"]) == ("mine", 1, True, "chat")
    assert set(told["summary"]) >= {"splits", "tokens", "findings", "left_out"}
    assert "everything" not in told["summary"]


def test_a_recipe_can_come_from_standard_input(here: Here) -> None:
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-m", "workbench", "dataset", "build", "--recipe", "-", "--json"],
        input=json.dumps({"name": "piped", "sources": {"forms": ["sonata"]}}), env=environment, capture_output=True,
        text=True, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["name"] == "piped"


def test_rows_with_errors_block_the_build_or_are_left_out(here: Here, run: Run) -> None:
    recipe = here.file("recipe.json", {"name": "short", "sources": {"forms": ["rondo"]}, "max_tokens": 2500})
    blocked = run("build", "--recipe", recipe, "--json")
    assert blocked.code == 1
    assert blocked.json["version"] is None
    assert blocked.json["errors"] > 0
    assert {finding["check"] for finding in blocked.json["findings"] if finding["severity"] == "error"} == {"tokens"}
    assert "workbench: examples/" in blocked.err
    assert "No version was made" in blocked.err
    assert versions(here.database, "short") == ()


def test_a_build_with_rows_left_out_is_a_version(here: Here, run: Run) -> None:
    rows = here.facts
    limit = sorted(each.tokens_in + each.tokens_out for each in rows)[len(rows) // 2]
    recipe = here.file("recipe.json", RECIPE | {"name": "short", "max_tokens": limit})
    done = run("build", "--recipe", recipe, "--leave-out", "--json")
    assert done.code == 0
    assert 0 < done.json["rows"] < len(rows)
    assert done.json["recipe"]["faults"] == "leave-out"
    assert "left out: " in done.err


@pytest.mark.parametrize(
    ("recipe", "words"),
    [
        (b"", "is empty"),
        (b"{", "JSON"),
        (b"[]", "A recipe is a JSON object"),
        (b'"x"', "A recipe is a JSON object"),
        (b'{"nmae": "x"}', "nmae"),
        (b'{"name": ""}', "name"),
        (b'{"name": "\xff"}', ""),
        (b'{"seed": -1}', "seed"),
        (b'{"seed": 1e999}', ""),
        (b'{"kind": "essay"}', "kind"),
        (b'{"split": {"train": 2}}', "train"),
        (b'{"split": {"train": NaN}}', ""),
        (b'{"sources": {"examples": false}}', "sources"),
        (b'{"template": "no such template"}', "no such template"),
        (b'{"use": "anything"}', "use"),
        (b"[" * 100_000, ""),
        (b'{"name": "' + b"x" * 2_000_000 + b'"}', "longer than"),
    ],
    ids=range(17),
)
def test_a_recipe_that_cannot_be_used_is_told_in_one_line(here: Here, run: Run, recipe: bytes, words: str) -> None:
    assert words in run("build", "--recipe", here.file("recipe.json", recipe)).complaint
    assert versions(here.database) == (here.version,)


@pytest.mark.parametrize(
    ("sources", "words"),
    [
        ({"forms": ["\x1b[31mno such form\n"]}, "The recipe lets no piece through. Widen its filters."),
        ({"versions": ["nobody"]}, "'nobody' is no version. See: python -m workbench dataset list."),
    ],
    ids=["nothing", "no version"],
)
def test_what_is_found_out_while_pieces_are_read_is_told_in_the_last_line(
    here: Here, run: Run, sources: dict[str, list[str]], words: str
) -> None:
    done = run("build", "--recipe", here.file("recipe.json", {"sources": sources}))
    assert (done.code, done.out) == (2, "")
    assert done.err.splitlines()[-1] == f"workbench: {words}"
    assert done.err.count("workbench: ") == 1


# Look


def test_versions_are_listed(here: Here, run: Run) -> None:
    done = run("list")
    assert done.code == 0
    assert done.out.startswith(f"{here.version.id}  small 1")
    assert "44 rows 41 train 1 validation 2 test" in " ".join(done.out.split())
    [told] = run("list", "--json").json
    assert (told["id"], told["rows"], told["summary"]["splits"]["test"]) == (here.version.id, 44, 2)


def test_no_name_writes_to_the_terminal_what_it_likes(here: Here, run: Run) -> None:
    hostile = "\x1b[31mred\nx"
    with_facts(here.database, [replace(here.facts[0], key=f"examples/{hostile}", title=hostile)], hostile)
    for arguments in (("list",), ("diff", here.version.id, hostile), ("show", hostile, "--words", here.facts[0].form)):
        done = run(*arguments)
        assert done.code == 0
        assert "red" in done.out
        assert "\x1b" not in done.out + done.err
    assert run("list").out.count("\n") == 2


@pytest.mark.parametrize("name", ["small", "small 1", "id", "part", "hash"])
def test_a_version_is_known_by_its_id_its_beginning_or_its_name(here: Here, run: Run, name: str) -> None:
    names = {"id": here.version.id, "part": here.version.id[:6], "hash": here.version.content_hash}
    done = run("show", names.get(name, name))
    assert done.code == 0
    assert "# small 1\n" in done.out
    assert "## Rights" in done.out


def test_a_version_a_row_and_a_search_are_shown_as_json(here: Here, run: Run) -> None:
    first = here.facts[0]
    told = run("show", "small", "--json").json
    assert (told["id"], told["withdrawn"]) == (here.version.id, {})
    row = run("show", "small", "--row", first.key).json
    assert (row["key"], row["facts"]["digest"], row["kind"]) == (first.key, first.digest, "chat")
    assert row["prompt"][-1]["role"] == "user"
    found = run("show", "small", "--words", "rondo", "--json").json
    assert {each["key"] for each in found} == {each.key for each in here.facts if "rondo" in each.search}
    listed = run("show", "small", "--words", "rondo")
    assert listed.out.count("\n") == len(found)
    assert f"{len(found)} of {len(found)} rows" in listed.err


def test_the_difference_of_two_versions_is_told(here: Here, run: Run) -> None:
    recipe = here.file("recipe.json", RECIPE | {"name": "fewer", "augmentation": {"keys": 1}})
    assert run("build", "--recipe", recipe).code == 0
    done = run("diff", "small", "fewer")
    assert done.code == 0
    assert "recipe: augmentation.keys: 2 -> 1\n" in done.out
    assert "\n- examples/" in done.out
    told = run("diff", "small", "fewer", "--json").json
    assert told["counts"]["removed"] > 0
    assert told["counts"]["added"] == told["counts"]["changed"] == 0
    assert told["recipe"]["augmentation.keys"] == {"before": 2, "after": 1}
    assert {"added", "removed", "changed", "moved_rows", "distributions"} <= set(told)


# Check


def test_a_version_a_file_and_a_folder_are_checked(here: Here, run: Run, exported: Path) -> None:
    done = run("check", "small")
    assert (done.code, done.out) == (0, f"{here.version.id}: 44 rows, 0 errors, 0 warnings\n")
    train = exported / "openai-chat-train.jsonl"
    done = run("check", train)
    assert (done.code, done.out) == (0, f"{train}: 41 rows, 0 errors, 0 warnings\n")
    reports = run("check", exported, "--json").json
    assert {Path(report["file"]).name for report in reports} == {path.name for path in exported.glob("*.jsonl")}
    assert sum(report["rows"] for report in reports) == 2 * here.version.rows
    small = next(report for report in reports if report["file"].endswith("openai-chat-test.jsonl"))
    assert [finding["check"] for finding in small["findings"]] == ["file.rows"], "OpenAI takes no file with two rows"


def planted(good: dict[str, Any]) -> dict[str, bytes]:
    system, user, answer = good["messages"]
    piece = json.loads(answer["content"])
    return {
        "line.json": b"{",
        "line.utf-8": b"\xff",
        "line.duplicate-key": b'{"messages": [], "messages": []}',
        "row.format": b'{"text": "hello"}',
        "role": json.dumps({"messages": [system, user, answer | {"role": "robot"}]}).encode(),
        "empty": json.dumps({"messages": [system, user, answer | {"content": " "}]}).encode(),
        "no piece": json.dumps({"messages": [system, user, answer | {"content": "La la la"}]}).encode(),
        "no sections": json.dumps(
            {"messages": [system, user, answer | {"content": json.dumps(piece | {"sections": []})}]}
        ).encode(),
        "duplicate": json.dumps(good).encode(),
    }


PLANTED = (
    "line.json", "line.utf-8", "line.duplicate-key", "row.format", "role", "empty", "no piece", "no sections",
    "duplicate",
)  # fmt: skip


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_fault_is_told_with_its_line_and_the_exit_code(
    here: Here, run: Run, exported: Path, name: str
) -> None:
    lines = (exported / "openai-chat-train.jsonl").read_bytes().splitlines()[:11]
    bad = planted(json.loads(lines[0]))[name]
    file = here.file("rows.jsonl", b"\n".join([*lines[:4], bad, *lines[4:]]) + b"\n")
    done = run("check", file, "--json")
    assert done.code == 1
    [report] = done.json
    assert (report["rows"], report["errors"] > 0) == (12, True)
    errors = [finding for finding in report["findings"] if finding["severity"] == "error"]
    assert {finding["line"] for finding in errors} == {5}
    assert all(finding["message"] for finding in errors)
    assert f"{file}: error: line 5: " in done.err


def test_a_mark_at_the_beginning_and_returns_are_told_and_block_nothing(here: Here, run: Run, exported: Path) -> None:
    lines = (exported / "openai-chat-train.jsonl").read_bytes().splitlines()
    file = here.file("rows.jsonl", BOM + b"\r\n".join(lines) + b"\r\n")
    done = run("check", file, "--format-only")
    assert done.code == 0
    assert done.out == f"{file}: 41 rows, 0 errors, 2 warnings\n"
    assert "byte order mark" in done.err
    assert "41 lines end in CR LF" in done.err


def test_a_row_longer_than_the_limit_is_told(here: Here, run: Run, exported: Path) -> None:
    done = run("check", exported / "trl-sft-train.jsonl", "--max-tokens", "2000", "--json")
    assert done.code == 1
    assert done.json[0]["errors"] == sum(
        each.tokens_in + each.tokens_out > 2000 for each in here.facts if each.split == "train"
    )


def test_rows_that_are_in_two_files_are_told(here: Here, run: Run, exported: Path) -> None:
    lines = (exported / "trl-sft-train.jsonl").read_bytes().splitlines()
    (exported / "trl-sft-validation.jsonl").write_bytes(lines[2] + b"\n")
    done = run("check", exported, "--json")
    assert done.code == 1
    report = next(each for each in done.json if " and " in each["file"])
    assert report["errors"] == 1
    assert "line 3 of trl-sft-train.jsonl" in report["findings"][0]["message"]


# Sample, mark, freeze


def test_a_sample_is_drawn_judged_and_its_rate_told(here: Here, run: Run) -> None:
    drawn = run("sample", "small", "-n", "10", "--seed", "7", "--as", "bob", "--json").json
    assert len(drawn["keys"]) == 10
    assert drawn["error_rate"] is None
    assert run("sample", "small", "-n", "10", "--seed", "7", "--json").json["keys"] == drawn["keys"]
    places = [f"{drawn['id']}:{key}" for key in drawn["keys"]]
    done = run("sample", "small", "--right", places[0], "--right", places[1], "--wrong", places[2], "--note", "dull")
    assert done.code == 0
    assert [line.split()[0] for line in done.out.splitlines()] == ["right", "right", "wrong", *["-"] * 7]
    assert "1 of 3 wrong: 33.3 % (95 % interval " in done.err
    told = run("sample", "small", "--wrong", places[3], "--json").json
    assert told["error_rate"]["words"].startswith("2 of 4 wrong")
    assert told["results"][drawn["keys"][2]]["note"] == "dull"


def test_a_sample_by_stratum_names_what_nobody_saw(here: Here, run: Run) -> None:
    drawn = run("sample", "small", "--by", "form", "--json").json
    assert set(drawn["sizes"]) == {"ABA", "rondo"}
    one = next(key for key in drawn["keys"] if drawn["strata"][key] == "rondo")
    assert "not looked into: ABA" in run("sample", "small", "--right", f"{drawn['id']}:{one}").err


def test_marks_are_made(here: Here, run: Run) -> None:
    key = here.facts[0].key
    assert run("mark", "small", key, "flag").code == 0
    done = run("mark", "small", key, "exclude", "dull", "--as", "bob")
    assert (done.code, done.err) == (0, f"{key}: exclude\n")
    assert [(each.kind, each.text, each.curator) for each in marks_of(here.database, key)] == [
        ("flag", "", "command line"), ("exclude", "dull", "bob"),
    ]  # fmt: skip


def test_a_test_set_is_frozen(here: Here, run: Run) -> None:
    done = run("freeze", "small", "--name", "blind", "--note", "for all")
    assert (done.code, done.err) == (0, "blind: 2 rows of small 1 are frozen.\n")
    assert [(each.name, each.version_id) for each in frozen_tests(here.database)] == [("blind", here.version.id)]


# Files out and in


def test_a_version_goes_out_and_comes_in_again(here: Here, run: Run, exported: Path) -> None:
    made = json.loads((exported / "manifest.json").read_text())
    assert made["version"] == here.version.id
    done = run("export", "small", here.folder / "parquet", "--format", "parquet", "--json")
    assert done.json["version"] == here.version.id
    assert sorted(Path(file).name for file in done.json["files"]) == [
        "README.md", "manifest.json", "test.parquet", "train.parquet", "validation.parquet",
    ]  # fmt: skip
    file = exported / "openai-chat-train.jsonl"
    done = run("import", file, "--licence", "CC-BY-4.0", "--holder", "Ada", "--split", "test", "--json")
    assert done.code == 0
    told = done.json
    assert (told["name"], told["rows"], told["summary"]["splits"]["test"]) == ("openai-chat-train", 41, 41)
    again = run("import", file, "--licence", "CC-BY-4.0", "--holder", "Ada", "--split", "test")
    assert "very same version" in again.out
    own = run("import", file, "--licence", "CC0-1.0", "--holder", "Ada", "--own", "--name", "hers")
    assert own.out.split("  ")[1] == "hers 1"


def test_a_file_with_faults_is_told_or_taken_in_without_them(here: Here, run: Run, exported: Path) -> None:
    lines = (exported / "trl-sft-train.jsonl").read_bytes().splitlines()[:3]
    file = here.file("rows.jsonl", b"\n".join([lines[0], b"nonsense", *lines[1:]]))
    rights = ("--licence", "CC-BY-4.0", "--holder", "Ada")
    done = run("import", file, *rights)
    assert (done.code, done.out) == (1, "")
    assert "workbench: line 2: The line is not JSON" in done.err
    taken = run("import", file, *rights, "--leave-out", "--json")
    assert (taken.code, taken.json["rows"]) == (0, 3)
    assert "left out: 1 rows with errors" in taken.err


def test_a_licence_that_forbids_the_use_takes_nothing_in(here: Here, run: Run, exported: Path) -> None:
    file = exported / "trl-sft-test.jsonl"
    done = run("import", file, "--licence", "CC-BY-NC-4.0", "--holder", "Ada")
    assert done.code == 1
    assert "do not allow commercial training" in done.err
    done = run("import", file, "--licence", "CC-BY-NC-4.0", "--holder", "Ada", "--use", "training")
    assert done.code == 0


# What cannot be used

RIGHTS = ("--licence", "CC0-1.0", "--holder", "Ada")
UNUSABLE: list[tuple[str, ...]] = [
    ("show", "nobody"),
    ("show", ""),
    ("show", "\x00\x1b[31m"),
    ("show", "small", "--row", "nobody"),
    ("diff", "small", "nobody"),
    ("diff", "small"),
    ("check",),
    ("check", "nobody"),
    ("check", "nobody.jsonl"),
    ("check", "empty"),
    ("check", "x" * 4_000),
    ("check", "rows.jsonl", "--format", "csv"),
    ("check", "rows.jsonl", "--max-tokens", "-1"),
    ("sample", "nobody"),
    ("sample", "small", "--by", "digest"),
    ("sample", "small", "-n", "0"),
    ("sample", "small", "-n", "2001"),
    ("sample", "small", "--seed", str(2**64)),
    ("sample", "small", "--right", "nobody:examples/x"),
    ("sample", "small", "--wrong", ""),
    ("mark", "small", "nobody", "flag"),
    ("mark", "small", "KEY", "praise"),
    ("mark", "small", "KEY", "exclude"),
    ("mark", "small", "KEY", "comment", " "),
    ("freeze", "nobody"),
    ("freeze", "small", "--name", " "),
    ("export", "small", "full"),
    ("export", "small", "rows.jsonl"),
    ("export", "small", "rows.jsonl/inside"),
    ("export", "small", "new", "--format", "csv"),
    ("export", "nobody", "new"),
    ("import", "rows.jsonl"),
    ("import", "rows.jsonl", "--licence", "odd", "--holder", "Ada"),
    ("import", "nobody.jsonl", *RIGHTS),
    ("import", "empty", *RIGHTS),
    ("import", "empty.jsonl", *RIGHTS),
    ("import", "rows.jsonl", *RIGHTS, "--split", "some"),
    ("import", "rows.jsonl", *RIGHTS, "--use", "some"),
    ("import", "rows.jsonl", *RIGHTS, "--name", "x" * 90),
    ("build", "--recipe", "nobody.json"),
    ("build", "--recipe", "empty"),
    ("build", "--processes", "-1"),
    ("bake",),
]


@pytest.mark.parametrize("arguments", UNUSABLE, ids=lambda arguments: " ".join(arguments)[:40])
def test_what_cannot_be_used_is_told_in_one_line(here: Here, run: Run, arguments: tuple[str, ...]) -> None:
    (here.folder / "empty").mkdir()
    (here.folder / "full").mkdir()
    here.file("full/manifest.json", {"name": "somebody's page"})
    here.file("empty.jsonl", b"")
    here.file("rows.jsonl", b'{"messages": []}\n')
    key = here.facts[0].key
    assert run(*[key if each == "KEY" else each for each in arguments]).complaint
    assert not (here.folder / "new").exists()
    assert [path.name for path in (here.folder / "full").iterdir()] == ["manifest.json"]
    assert versions(here.database) == (here.version,)


def test_a_verdict_on_a_sample_of_another_version_is_refused(here: Here, run: Run) -> None:
    recipe = here.file("recipe.json", {"name": "rondos", "sources": {"forms": ["rondo"]}})
    assert run("build", "--recipe", recipe).code == 0
    drawn = run("sample", "small", "-n", "3", "--json").json
    assert "has no sample" in run("sample", "rondos", "--right", f"{drawn['id']}:{drawn['keys'][0]}").complaint


def test_help_is_there_without_loading_what_is_heavy() -> None:
    program = (
        "import sys; from workbench import cli; code = cli.main(['dataset', '--help']); "
        "sys.exit(code or any(name in sys.modules for name in ('numpy', 'sqlalchemy', 'pyarrow', 'scipy')))"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout
    for name in ("build", "list", "show", "diff", "check", "sample", "export", "import", "mark", "freeze"):
        assert f"  {name} " in done.stdout
