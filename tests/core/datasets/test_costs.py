import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.core.datasets.costs import dollars, estimate, limit_of, parameters_of, training_prices, tuning_table

OPENAI_MINI = 5.00


def test_every_row_says_whom_it_is_for_where_it_is_from_and_of_what_day():
    for price in tuning_table():
        assert price.provider
        assert price.methods
        assert bool(price.models) != (price.largest > price.above)
        assert price.source in {"page", "second-hand", "memory", "none"}
        assert price.url.startswith("https://") or price.source == "none"
        assert price.read.startswith("20")
        assert price.usd is None or price.usd >= 0


def test_no_two_rows_give_one_model_two_prices():
    spots = [
        (price.provider, name, method)
        for price in tuning_table() for name in (price.models or (f"over {price.above}",)) for method in price.methods
    ]  # fmt: skip
    assert len(spots) == len(set(spots))


@pytest.mark.parametrize(
    ("model", "provider", "limit"),
    [
        ("gpt-4.1-mini", "", 65_536),
        ("gpt-4.1-mini-2025-04-14", "", 65_536),
        ("ft:gpt-4.1-mini-2025-04-14:org::abc", "", 65_536),
        ("gpt-4.1-nano", "Azure", 32_768),
        ("gpt-4.1-nano", "OpenAI", 65_536),
        ("gpt-4.1-nano", "Nobody", None),
        ("gpt-4.1-mini-audio", "", None),
        ("Qwen/Qwen3-8B", "", None),
        ("", "", None),
    ],
)
def test_the_longest_example_is_that_of_the_models_own_row(model: str, provider: str, limit: int | None):
    assert limit_of(model, provider) == limit


def test_the_longest_id_in_the_table_wins():
    assert {price.models for price in training_prices("gpt-4.1-mini") if price.usd} == {("gpt-4.1-mini",)}


@pytest.mark.parametrize(
    ("model", "size"),
    [
        ("Qwen/Qwen3-8B", 8), ("Qwen/Qwen3-0.6B", 0.6), ("HuggingFaceTB/SmolLM2-135M", 0.135), ("gpt-oss-20b", 20),
        ("Qwen/Qwen3-30B-A3B", 30), ("gpt-4.1-mini", None), ("meta-llama/Llama-3.3-70B-Instruct", 70),
    ],
)  # fmt: skip
def test_parameters_are_read_from_a_models_id(model: str, size: float | None):
    assert parameters_of(model) == pytest.approx(size)


def test_open_weights_cost_what_their_size_costs_and_nothing_at_home():
    small, large = training_prices("Qwen/Qwen3-8B", "supervised"), training_prices("Llama-3.3-70B", "supervised")
    assert {price.provider for price in small} == {"Fireworks", "Together", "Nebius", "Your own machine"}
    dearer = {price.provider: price.usd or 0 for price in large}
    for price in small:
        if price.usd and price.provider in dearer:
            assert price.usd < dearer[price.provider]
    assert estimate(1_000_000, 1, True, model="Qwen/Qwen3-8B")[0].usd == 0


def test_open_weights_of_unknown_size_may_have_any_of_the_prices():
    assert len(training_prices("someone/some-model")) > len(training_prices("Qwen/Qwen3-8B"))


@pytest.mark.parametrize("model", ["gpt-5", "claude-opus", "nonsense"])
def test_a_model_that_nobody_is_known_to_train_has_no_price(model: str):
    assert training_prices(model) == ()
    assert estimate(1_000, 1, True, model=model) == []


def test_every_epoch_is_paid_for():
    openai = {each.provider: each for each in estimate(214_000, 3, True, model="gpt-4.1-mini")}["OpenAI"]
    assert openai.usd == pytest.approx(0.214 * 3 * OPENAI_MINI)
    assert openai.words.startswith("about $3.21 for 3 epochs, price from memory, 2026-")


def test_estimated_tokens_are_told():
    for each in estimate(214_000, 1, False):
        if each.usd:
            assert "for 1 epoch," in each.words
            assert "tokens estimated" in each.words


def test_where_no_price_is_known_none_is_made_up():
    azure = [each for each in estimate(214_000, 3, True, model="gpt-4.1-mini") if each.provider == "Azure"]
    assert [each.usd for each in azure] == [None]
    assert azure[0].words.startswith("No price is known here.")


def test_preference_training_is_asked_of_those_who_do_it():
    assert {price.provider for price in training_prices(method="dpo")} == {
        "OpenAI", "Azure", "Fireworks", "Together", "Your own machine",
    }  # fmt: skip


def test_the_cheapest_comes_first_and_the_unknown_last():
    costs = [each.usd for each in estimate(10_000_000, 2, True)]
    known = [cost for cost in costs if cost is not None]
    assert known == sorted(known)
    assert costs[: len(known)] == known


@pytest.mark.parametrize(("usd", "words"), [(0, "$0.00"), (0.004, "under $0.01"), (3.2, "$3.20"), (1240.4, "$1,240")])
def test_sums_are_written_as_people_write_them(usd: float, words: str):
    assert dollars(usd) == words


@given(st.text(max_size=60))
def test_any_id_can_be_asked_for(model: str):
    assert limit_of(model) is None or limit_of(model) in {65_536, 32_768}
    assert all(each.words for each in estimate(1_000, 1, False, model=model))
