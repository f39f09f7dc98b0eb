"""Blind ratings of a run, for the researcher: begin, hand out the link, see who is better, make preference pairs."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlencode, urlsplit

import streamlit as st

from workbench.core.errors import WorkbenchError
from workbench.core.experiments.ratings.contests import (
    MAX_WANTED,
    WANTED,
    BlindContest,
    begin_contest,
    close_contest,
    contests,
)
from workbench.core.experiments.ratings.judging import progress_of, ratings_of
from workbench.core.experiments.ratings.kept_preferences import count_preferences, keep_preferences
from workbench.core.experiments.ratings.pairs import SHARED
from workbench.core.experiments.ratings.ratings import CRITERIA, Rating
from workbench.core.experiments.runs import Run
from workbench.core.library.rights import licences, own_rights
from workbench.views.compare.places import tell
from workbench.views.curators import curator
from workbench.views.details import plain, quiet
from workbench.views.engine import database
from workbench.views.rating_room import CONTEST

if TYPE_CHECKING:
    from workbench.core.experiments.ratings.ranking import Ranking
    from workbench.core.experiments.ratings.standings import Standings

MOST_SHOWN = 300
VERDICTS = {"a": "A", "b": "B", "tie": "no difference", "both-bad": "both bad", "skip": "skipped"}


def rating_tab(run: Run) -> None:
    """The whole tab."""
    known = contests(database(), run.id)
    with st.expander("Begin a blind comparison", expanded=not known, icon=":material/headphones:", key="rating_new"):
        _beginning(run)
    if not known:
        st.markdown(quiet("Nobody has rated this run yet."))
        return
    ids = [each.id for each in known]
    chosen = st.selectbox(
        "Comparison", ids, key="rating_contest", format_func=lambda id: _name(known[ids.index(id)])
    ) if len(ids) > 1 else ids[0]  # fmt: skip
    contest = known[ids.index(chosen)]
    _link(contest)
    ratings = ratings_of(database(), contest.id)
    _progress(contest)
    if not ratings:
        return
    standings = _standings(f"{contest.id} {len(ratings)} {max(each.at for each in ratings)}", contest.variants, ratings)
    _result(standings)
    _raters(standings)
    _pairs(contest, ratings)
    _preferences(contest)


@st.cache_resource(show_spinner=False, max_entries=8)
def _standings(mark: str, _variants: tuple[str, ...], _ratings: tuple[Rating, ...]) -> Standings:  # noqa: ARG001
    """What a comparison shows; it is found out anew where ``mark``, which changes with what was said, is another."""
    from workbench.core.experiments.ratings.standings import standings_of

    return standings_of(_ratings, _variants)


def _name(contest: BlindContest) -> str:
    state = "closed" if contest.closed_at else "open"
    return f"{', '.join(contest.variants)} ({contest.created_at:%d %b %Y, %H:%M}, {state})"


def _beginning(run: Run) -> None:
    variants = [each.name for each in run.ordered().variants]
    if len(variants) < 2:
        st.markdown(quiet("There has to be more than one variant."))
        return
    with st.form("rating_begin", border=False):
        chosen = st.multiselect("Variants", variants, default=variants, key="rating_variants")
        left, middle, right = st.columns(3)
        wanted = left.number_input("Pairs for each rater", 1, MAX_WANTED, WANTED, key="rating_wanted")
        shared = middle.number_input(
            "Shared with others, %", 0, 100, round(100 * SHARED), key="rating_shared",
            help="Pairs that another rater has judged, too: agreement is measured on them.",
        )  # fmt: skip
        repeats = right.number_input(
            "Shown twice, %", 0, 50, 10, key="rating_repeats",
            help="Shown once more, the other way round, to see how consistent a rater is.",
        )  # fmt: skip
        if st.form_submit_button("Begin", type="primary"):
            _begun(run, list(chosen), int(wanted), shared / 100, repeats / 100)


def _begun(run: Run, variants: list[str], wanted: int, shared: float, repeats: float) -> None:
    if len(variants) < 2:
        st.error("Choose two variants or more.", icon=":material/error:")
        return
    try:
        with st.spinner("Choosing the pieces …"):
            contest = begin_contest(
                database(), run, curator=curator(), variants=variants, wanted=wanted, shared=shared, repeats=repeats
            )
    except WorkbenchError as problem:
        st.error(plain(f"{problem.message} {problem.hint}"), icon=":material/error:")
        return
    st.session_state.pop("rating_contest", None)
    tell(f"The comparison is open: each rater hears {contest.wanted} pairs. Hand out its link.")
    st.rerun()


def link_of(contest: str) -> str:
    """The full address that raters are given."""
    here = urlsplit(str(st.context.url or ""))
    return (
        f"{here.scheme}://{here.netloc}/rate?{urlencode({CONTEST: contest})}"
        if here.netloc
        else f"/rate?{CONTEST}={contest}"
    )


def _link(contest: BlindContest) -> None:
    if contest.closed_at is not None:
        st.markdown(f":material/lock: Closed on {contest.closed_at:%d %b %Y, %H:%M}.")
        return
    st.markdown("Give raters this link. It says nothing of models; each gives a name.")
    st.code(link_of(contest.id), language=None)
    st.button("Close it", key="rating_close", icon=":material/lock:", on_click=_close, args=(contest.id,))


def _close(id: str) -> None:
    try:
        close_contest(database(), id)
    except WorkbenchError as problem:
        tell(f"{problem.message} {problem.hint}", wrong=True)
        return
    tell("The comparison is closed: nobody can rate any more.")


@st.fragment(run_every=15)
def _progress(contest: BlindContest) -> None:
    found = progress_of(database(), contest.id)
    if not found:
        st.markdown(quiet("Nobody has begun yet."))
        return
    lines = [f"- {plain(each.rater)}: {each.judged} of {contest.wanted}" for each in found]
    st.markdown("**Raters**\n" + "\n".join(lines))


def _result(standings: Standings) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.subheader("Who is better", anchor=False)
        st.button("Count again", key="rating_again", icon=":material/refresh:", type="tertiary")
    st.markdown("\n".join(f"- {plain(line)}" for line in standings.words))
    _table(standings.ranking)
    for name, ranking in standings.criteria.items():
        with st.expander(CRITERIA[name], key=f"rating_criterion_{name}"):
            st.markdown("\n".join(f"- {plain(line)}" for line in standings.criterion_words(name)))
            _table(ranking)


def _table(ranking: Ranking) -> None:
    rows = [
        f"| {at} | {plain(each.variant)} | {each.strength.value:+.2f} ({each.strength.low:+.2f} to "
        f"{each.strength.high:+.2f}) | {each.wins} | {each.ties} | {each.losses} |"
        for at, each in enumerate(ranking.standings, 1)
    ]
    head = "| Place | Variant | Strength (95 % interval) | Better | Tie | Worse |\n|---|---|---|---|---|---|"
    if rows:
        st.markdown("\n".join([head, *rows]))
        st.markdown(quiet("Strength is in log-odds (Bradley-Terry); the average is 0."))


def _raters(standings: Standings) -> None:
    from workbench.core.experiments.ratings.standings import rater_words

    with st.expander("Each rater", key="rating_raters"):
        st.markdown("\n".join(f"- **{plain(each.rater)}**: {plain(rater_words(each))}" for each in standings.raters))


def _pairs(contest: BlindContest, ratings: tuple[Rating, ...]) -> None:
    with st.expander("What was said of each pair", key="rating_pairs"):
        if contest.closed_at is None:
            st.markdown("This names the models. Whoever still rates must not see it.")
            if not st.toggle("Show it all the same", key="rating_reveal"):
                return
        rows = [
            {
                "Rater": each.pair.rater, "Pair": each.pair.number, "Request": each.pair.request, "A": each.pair.a,
                "B": each.pair.b, "Said": VERDICTS[each.verdict], "Shown twice": "yes" if each.pair.repeat else "",
                "Seconds": round(each.seconds),
            }
            for each in ratings[:MOST_SHOWN]
        ]  # fmt: skip
        st.dataframe(rows, hide_index=True, width="stretch")
        if len(ratings) > MOST_SHOWN:
            st.markdown(quiet(f"The first {MOST_SHOWN} of {len(ratings):,}."))


def _preferences(contest: BlindContest) -> None:
    with st.expander("Make preference pairs for a dataset", icon=":material/thumb_up:", key="rating_preferences"):
        st.markdown(
            quiet(
                "Pairs on which raters agree. A dataset of the kind “Chosen and rejected” takes in those with rights."
            )
        )
        with st.form("rating_prefer", border=False):
            left, right = st.columns(2)
            raters = left.number_input("Raters who must have judged", 1, 20, 2, key="rating_votes")
            share = right.number_input("Who must agree, %", 51, 100, 67, key="rating_share")
            holder = left.text_input(
                "Holder of the rights", key="rating_holder", max_chars=200,
                help="Who may let the models' pieces be trained on. Without one, pairs come into no dataset.",
            )  # fmt: skip
            licence = right.selectbox(
                "Licence",
                list(licences()),
                index=None,
                placeholder="Choose",
                key="rating_licence",
                format_func=_licence_name,
            )
            named = st.multiselect(
                "Whose pieces they hold for", list(contest.variants), default=list(contest.variants),
                key=f"rating_of_{contest.id}",
            )  # fmt: skip
            if st.form_submit_button("Make pairs"):
                rights = own_rights(holder.strip(), f"blind comparison {contest.id}", licence or "")
                of = dict.fromkeys(named, rights) if holder.strip() else {}
                try:
                    # 67 % stands for two thirds.
                    agree = 2 / 3 if share == 67 else max(share / 100, 0.51)
                    kept = keep_preferences(database(), contest.id, raters=int(raters), share=agree, rights=of)
                except WorkbenchError as problem:
                    st.error(plain(f"{problem.message} {problem.hint}"), icon=":material/error:")
                else:
                    st.success(kept.words, icon=":material/check_circle:")
        if count := count_preferences(database(), contest.id):
            st.markdown(quiet(f"Kept now: {count:,}."))


def _licence_name(id: str) -> str:
    return licences()[id].name
