"""``evaluate rate``: blind comparisons from the command line, all that the Rate tab and the raters' room do."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import urlencode

import typer

from workbench.commands import console
from workbench.commands.inputs import read_lines
from workbench.commands.library import library
from workbench.core.errors import InvalidInputError, WorkbenchError

if TYPE_CHECKING:
    from workbench.core.experiments.ratings.contests import BlindContest
    from workbench.core.experiments.runs import Run
    from workbench.core.library.database import Database

ADDRESS = "http://localhost:8501"
NOT_ALL = 1
Share = Annotated[float, typer.Option(min=0, max=1, help="How many pairs others should judge, too, 0 to 1.")]


def rate(
    run: Annotated[str, typer.Argument(metavar="RUN", help="A run's id, the beginning of it, NAME NUMBER, or NAME.")],
    begin: Annotated[bool, typer.Option("--begin", help="Begin a blind comparison, and print its link.")] = False,
    next_for: Annotated[str, typer.Option("--next", metavar="RATER", help="Print the pair RATER is to judge.")] = "",
    out: Annotated[Path | None, typer.Option(help="With --next: a folder for the two sounds.")] = None,
    answers: Annotated[
        str,
        typer.Option(
            "--answer", metavar="FILE", help='JSON Lines of {"rater": ..., "token": ..., "verdict": ...}; - is stdin.'
        ),
    ] = "",
    undo: Annotated[str, typer.Option(metavar="RATER", help="Take RATER's last answer back.")] = "",
    standings: Annotated[bool, typer.Option("--standings", help="Print the ranking and the agreement.")] = False,
    preferences: Annotated[bool, typer.Option("--preferences", help="Make preference pairs for datasets.")] = False,
    close: Annotated[bool, typer.Option("--close", help="Let nobody rate any more.")] = False,
    contest: Annotated[str, typer.Option(help="The comparison's id; the run's newest when not given.")] = "",
    variants: Annotated[list[str] | None, typer.Option("--variant", help="With --begin: one that is compared.")] = None,
    pairs: Annotated[int, typer.Option(min=1, max=1_000, help="With --begin: pairs for each rater.")] = 30,
    shared: Share = 1 / 3,
    repeats: Annotated[float, typer.Option(min=0, max=0.5, help="How many pairs are shown twice, 0 to 0.5.")] = 0.1,
    seed: Annotated[int, typer.Option(min=0, help="With --begin: another one draws other requests.")] = 0,
    address: Annotated[str, typer.Option(metavar="URL", help="Where raters reach the workbench.")] = ADDRESS,
    raters: Annotated[int, typer.Option(min=1, help="With --preferences: raters who must have judged.")] = 2,
    agree: Annotated[float, typer.Option(help="With --preferences: how many of them must agree, 0.5 to 1.")] = 2 / 3,
    criterion: Annotated[str, typer.Option(help="With --preferences: musicality, fits or structure.")] = "",
    holder: Annotated[str, typer.Option(help="With --preferences: who holds the rights of the models' pieces.")] = "",
    licence: Annotated[str, typer.Option(help="With --holder: the licence, an SPDX id.")] = "",
    who: Annotated[str, typer.Option("--as", help="Who does this.")] = "command line",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> int:
    """Compare what a run made blind: begin, rate, rank, make preference pairs. Without an option: how it stands."""
    chosen = {
        "--begin": begin, "--next": bool(next_for), "--answer": bool(answers), "--undo": bool(undo),
        "--standings": standings, "--preferences": preferences, "--close": close,
    }  # fmt: skip
    wanted = [name for name, said in chosen.items() if said]
    if len(wanted) > 1:
        raise InvalidInputError(f"{' and '.join(wanted)} cannot go together.", hint="Do one after the other.")
    from workbench.core.experiments.runs import run_named

    database = library()
    found = run_named(database, run)
    if begin:
        return _begin(database, found, variants or [], pairs, shared, repeats, seed, who, address, as_json)
    if not wanted and not contest:
        return _list(database, found, address, as_json)
    one = _contest(database, found, contest)
    if next_for:
        return _next(database, one, next_for, out, as_json)
    if answers:
        return _answer(database, one, answers, as_json)
    if undo:
        return _undo(database, one, undo)
    if preferences:
        rights = _rights(one, holder, licence)
        return _preferences(database, one, raters, agree, criterion, rights, as_json)
    return _close(database, one, as_json) if close else _standings(database, one, as_json)


def _begin(
    database: Database, run: Run, variants: list[str], pairs: int, shared: float, repeats: float, seed: int, who: str,
    address: str, as_json: bool,
) -> int:  # fmt: skip
    from workbench.core.experiments.ratings.contests import begin_contest

    made = begin_contest(
        database, run, curator=who, variants=variants, wanted=pairs, shared=shared, repeats=repeats, seed=seed
    )
    if as_json:
        console.print_json(made.to_dict() | {"link": _link(made, address)})
    else:
        console.note(f"{made.id}: {made.wanted} pairs for each rater, of {len(made.over.pieces):,} requests.")
        print(_link(made, address))
    return 0


def _list(database: Database, run: Run, address: str, as_json: bool) -> int:
    from workbench.core.experiments.ratings.contests import contests
    from workbench.core.experiments.ratings.judging import progress_of

    told = []
    for each in contests(database, run.id):
        raters = {who.rater: who.judged for who in progress_of(database, each.id)}
        told.append(each.to_dict() | {"link": _link(each, address), "raters": raters})
    if as_json:
        console.print_json(told)
        return 0
    if not told:
        console.note(f"{run.label} was not rated yet. Begin: python -m workbench evaluate rate {run.id} --begin")
    for row in told:
        state = "closed" if row["closed_at"] else "open"
        judged = ", ".join(f"{rater} {count} of {row['wanted']}" for rater, count in row["raters"].items())
        print(console.one_line(f"{row['id']}  {state:6}  {row['link']}  {judged or 'nobody yet'}"))
    return 0


def _contest(database: Database, run: Run, wanted: str) -> BlindContest:
    from workbench.core.experiments.ratings.contests import contests

    known = contests(database, run.id)
    if not known:
        raise InvalidInputError(f"{run.label} has no blind comparison.", hint="Begin one with --begin.")
    if not wanted:
        return known[0]
    found = next((each for each in known if each.id == wanted), None)
    if found is None:
        raise InvalidInputError(
            f"{run.label} has no comparison {wanted[:60]!r}.", hint=f"Name one, such as {known[0].id}.", field="contest"
        )
    return found


def _next(database: Database, contest: BlindContest, rater: str, out: Path | None, as_json: bool) -> int:
    """The pair a rater is to judge, as blind as on the page."""
    from workbench.core.experiments.ratings.contests import samples_of
    from workbench.core.experiments.ratings.judging import turn_of
    from workbench.core.experiments.ratings.sounds import equally_loud, performed

    turn = turn_of(database, contest.id, rater)
    if turn is None:
        console.note(f"{rater} has judged all pairs.")
        if as_json:
            console.print_json(None)
        return 0
    pair = turn.pair
    places = [contest.position(pair.request, piece) for piece in (pair.piece_a, pair.piece_b)]
    samples = samples_of(database, contest, places)
    told = turn.blind.to_dict() | {"of": turn.of, "request": samples[places[0]].request.to_dict()}
    if out is not None:
        structures = [samples[place].structure for place in places]
        sounds = equally_loud(*(performed(each) for each in structures if each is not None))
        out.mkdir(parents=True, exist_ok=True)
        for side, token, data in zip("ab", (turn.blind.a, turn.blind.b), sounds, strict=True):
            file = out / f"{token}.ogg"
            file.write_bytes(data)
            told[f"sound_{side}"] = str(file)
    if as_json:
        console.print_json(told)
    else:
        print(console.one_line(f"pair {turn.blind.number} of {turn.of}  {turn.blind.token}"))
        for side in ("sound_a", "sound_b"):
            if side in told:
                print(console.one_line(f"{side[-1].upper()}  {told[side]}"))
    return 0


def _answer(database: Database, contest: BlindContest, file: str, as_json: bool) -> int:
    """Take answers in, in order; a line that cannot be used is told and passed over, and makes the exit status 1."""
    from workbench.core.experiments.ratings.judging import answer
    from workbench.core.experiments.ratings.ratings import read_answer, read_rater

    taken, refused = 0, []
    for line in read_lines(file):
        try:
            if line.data is None:
                raise InvalidInputError("The line is too long.", hint="One answer a line.")
            told = _object(line.data)
            rater = read_rater(told.pop("rater", None))
            answer(database, contest.id, rater, read_answer(told))
            taken += 1
        except WorkbenchError as problem:
            refused.append({"line": line.number, "error": problem.message, "hint": problem.hint})
    if as_json:
        console.print_json({"taken": taken, "refused": refused})
    else:
        console.note(f"{taken:,} taken in, {len(refused):,} refused.")
        for each in refused[:20]:
            console.complain(f"line {each['line']}: {each['error']} {each['hint']}")
    return NOT_ALL if refused else 0


def _object(data: bytes) -> dict[str, Any]:
    try:
        told = json.loads(data)
    except (ValueError, RecursionError):
        raise InvalidInputError("The line is no JSON.", hint='Write {"rater": ..., "token": ..., ...}.') from None
    if not isinstance(told, dict):
        raise InvalidInputError("The line is no JSON object.", hint='Write {"rater": ..., "token": ..., ...}.')
    return told


def _undo(database: Database, contest: BlindContest, rater: str) -> int:
    from workbench.core.experiments.ratings.judging import undo_answer

    if undo_answer(database, contest.id, rater):
        console.note(f"The last answer of {rater} is taken back.")
        return 0
    console.note(f"{rater} has answered nothing.")
    return NOT_ALL


def _standings(database: Database, contest: BlindContest, as_json: bool) -> int:
    from workbench.core.experiments.ratings.judging import ratings_of
    from workbench.core.experiments.ratings.standings import rater_words, standings_of

    found = standings_of(ratings_of(database, contest.id), contest.variants)
    if as_json:
        console.print_json(contest.to_dict() | found.to_dict())
        return 0
    for at, each in enumerate(found.ranking.standings, 1):
        strength = f"{each.strength.value:+.2f} ({each.strength.low:+.2f} to {each.strength.high:+.2f})"
        print(console.one_line(f"{at}. {each.variant}  {strength}  {each.wins} better, {each.losses} worse"))
    for line in found.words:
        print(console.one_line(line))
    for name in found.criteria:
        for line in found.criterion_words(name):
            print(console.one_line(f"{name}: {line}"))
    for report in found.raters:
        print(console.one_line(f"{report.rater}: {rater_words(report)}"))
    return 0


def _rights(contest: BlindContest, holder: str, licence: str) -> dict[str, Any]:
    if not holder:
        return {}
    from workbench.core.library.rights import licences, own_rights

    if licence not in licences():
        raise InvalidInputError(
            "The licence is not known here." if licence else "No licence is given.",
            hint=f"Give --licence, one of {', '.join(licences())}.", field="licence",
        )  # fmt: skip
    return dict.fromkeys(contest.variants, own_rights(holder, f"blind comparison {contest.id}", licence))


def _preferences(
    database: Database, contest: BlindContest, raters: int, agree: float, criterion: str, rights: dict[str, Any],
    as_json: bool,
) -> int:  # fmt: skip
    from workbench.core.experiments.ratings.kept_preferences import keep_preferences
    from workbench.core.experiments.ratings.ratings import CRITERIA

    if criterion and criterion not in CRITERIA:
        raise InvalidInputError(f"There is no criterion {criterion[:40]!r}.", hint=f"Use {', '.join(CRITERIA)}.")
    kept = keep_preferences(
        database, contest.id, raters=raters, share=agree, criterion=criterion, rights=rights
    )  # fmt: skip
    if as_json:
        console.print_json(kept.to_dict())
    else:
        console.note(kept.words)
    return 0


def _close(database: Database, contest: BlindContest, as_json: bool) -> int:
    from workbench.core.experiments.ratings.contests import close_contest

    closed = close_contest(database, contest.id)
    if as_json:
        console.print_json(closed.to_dict())
    else:
        console.note(f"{closed.id} is closed.")
    return 0


def _link(contest: BlindContest, address: str) -> str:
    return f"{address.rstrip('/')}/rate?{urlencode({'contest': contest.id})}"
