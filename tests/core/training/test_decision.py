"""The article's rule, part by part, the statistics beside it, and the report."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.errors import InvalidInput
from app.training.ablate import plan_arms
from app.training.ablation import markdown, summarise
from app.training.decision import Outcome, compare, conclude, decide, decide_rank, make_arm, spread
from app.training.objectives import PreferenceRecipe


def arm(name, right, margins=None, objective="dpo", rank=16, train=None):
    """One arm over len(right) pairs, two pairs a cluster and a slice for each half."""
    margins = margins or [1.0 if r else -1.0 for r in right]
    outcomes = [
        Outcome(f"p{i}", f"c{i // 2}", "early" if i < len(right) / 2 else "late", float(r), m)
        for i, (r, m) in enumerate(zip(right, margins, strict=True))
    ]
    return make_arm(name, objective, rank, [outcomes], [train])


HELD = arm("A", [1, 1, 0, 0, 1, 0], [0.5, 0.4, -0.1, -0.2, 0.3, -0.1])


def test_one_more_pair_with_cleaner_margins_and_no_worse_slice_is_a_decision():
    better = arm("B", [1, 1, 1, 0, 1, 0], [0.5, 0.4, 0.1, -0.2, 0.3, -0.1])
    found = decide(HELD, better)
    assert (found.choice, found.more_pairs, found.worse_slices) == ("switch", 1, ())


def test_one_more_pair_with_lower_margins_is_a_hint():
    lower = arm("B", [1, 1, 1, 0, 1, 0], [0.1, 0.1, 0.1, -0.2, 0.1, -0.1])
    assert decide(HELD, lower).choice == "hint"


def test_one_more_pair_with_a_worse_slice_is_a_hint():
    found = decide(arm("A", [1, 0, 0, 0, 1, 0]), arm("B", [1, 1, 1, 0, 0, 0]))
    assert (found.choice, found.worse_slices) == ("hint", ("late",))
    assert "worse on late" in found.why


def test_better_margins_alone_keep_the_incumbent():
    same = arm("B", [1, 1, 0, 0, 1, 0], [9.0, 9.0, -0.1, -0.1, 9.0, -0.1])
    assert decide(HELD, same).choice == "keep"


def test_half_a_pair_over_seeds_is_not_one_more_pair():
    seeds = [[Outcome("p", "c", "s", float(r), 0.1)] for r in (0, 1)]
    half = make_arm("B", "simpo", 16, seeds)
    none = make_arm("A", "dpo", 16, [[Outcome("p", "c", "s", 0.0, 0.1)]])
    assert half.correct == 0.5
    assert decide(none, half).choice == "keep"


def test_a_lower_rank_needs_no_win_but_may_lose_nothing():
    equal = arm("C", [1, 1, 0, 0, 1, 0], [0.5, 0.4, -0.1, -0.2, 0.3, -0.1], rank=8)
    assert decide_rank(HELD, equal).choice == "switch"
    worse = arm("C", [1, 1, 0, 0, 1, 0], [0.4, 0.4, -0.1, -0.2, 0.3, -0.1], rank=8)
    assert decide_rank(HELD, worse).choice == "keep"
    with pytest.raises(InvalidInput, match="no lower rank"):
        decide_rank(HELD, arm("D", [1] * 6))


def test_the_conclusion_takes_the_objective_first_and_then_the_rank():
    arms = [
        arm("dpo16", [1, 0, 0, 0]),
        arm("simpo16", [1, 1, 0, 0], objective="simpo"),
        arm("dpo8", [0, 0, 0, 0], rank=8),
        arm("simpo8", [1, 1, 0, 0], objective="simpo", rank=8),
    ]
    kept, objectives, ranks = conclude(arms)
    assert kept == "simpo8"
    assert [d.choice for d in objectives] == ["switch", "switch"]
    assert [d.choice for d in ranks] == ["keep", "switch"]


def test_arms_on_different_pairs_are_not_compared():
    with pytest.raises(InvalidInput, match="different held-out pairs"):
        decide(HELD, arm("B", [1, 1]))
    with pytest.raises(InvalidInput, match="different held-out pairs"):
        compare(HELD, arm("B", [1, 1]))


def test_the_comparison_is_paired_and_over_clusters():
    other = arm("B", [1, 1, 1, 1, 1, 1], [0.6] * 6)
    found = compare(HELD, other)
    assert (found.pairs.table.only_a, found.pairs.table.only_b) == (0, 3)
    assert found.pairs.p_mcnemar_exact == pytest.approx(0.25)
    assert found.accuracy.n_clusters == 3
    assert found.accuracy.estimate == pytest.approx(0.5)
    assert found.accuracy.p_sign_flip == pytest.approx(0.5), "two of three clusters differ, both upwards"
    assert found.margin.estimate == pytest.approx(0.6 - 0.8 / 6)


def test_one_seed_has_no_spread():
    assert spread([3.0]) is None
    assert spread([1.0, 3.0]) == pytest.approx(2**0.5)


def result(recipe, right, train=0.5):
    rows = [
        {"id": f"p{i}", "cluster": f"c{i // 2}", "slice": f"s{i % 2}", "chosen": -1.0, "rejected": -2.0 if r else -0.5,
         "base_chosen": -1.0, "base_rejected": -0.9, "tokens": 15}
        for i, r in enumerate(right)
    ]  # fmt: skip
    data = {"train_pairs": 8, "held_out_pairs": len(right), "source": "made up"}
    flags = [{"name": "weak signal", "why": "it is made up"}] if recipe.rank == 8 else []
    return {"held_out": rows, "train_margin_nats": train, "review": {"verdict": "read", "flags": flags}, "data": data,
            "base_digest": "b" * 64, "steps": 4}  # fmt: skip


def test_the_report_names_the_arm_that_is_kept_its_rivals_and_the_seeds():
    recipes = plan_arms(PreferenceRecipe().checked(), ["dpo", "simpo"], [16, 8], [7], "scaling")
    rights = {("dpo", 16): [1, 0, 0, 0], ("simpo", 16): [1, 1, 0, 0], ("dpo", 8): [1, 0, 0, 0], ("simpo", 8): [0] * 4}
    found = summarise(recipes, [result(r, rights[r.objective, r.rank]) for r in recipes])
    assert found["kept"] == "simpo r=16"
    assert [a["name"] for a in found["arms"]] == ["base", "dpo r=16", "simpo r=16", "dpo r=8", "simpo r=8"]
    assert [len(found[key]) for key in ("objective_decisions", "rank_decisions", "comparisons")] == [2, 2, 4]
    assert found["arms"][0]["correct"] == 0
    text = markdown(found)
    for words in ("Kept: **simpo r=16**", "One seed", "dpo r=16 → simpo r=16: **switch**", "| s1 |", "weak signal"):
        assert words in text


def test_the_report_says_what_the_kept_arm_is_worth_beside_the_base_which_it_names_without_its_place():
    recipe = replace(PreferenceRecipe(), base="/models/secret/judge-1").checked()
    recipes = plan_arms(recipe, ["dpo", "simpo"], [16], [7], "scaling")
    text = markdown(summarise(recipes, [result(r, [1, 1, 0, 0]) for r in recipes]))
    assert "Trained so, it gets 2 of 4 held-out pairs right, the base alone 0." in text
    assert "Fixed: base judge-1," in text
    assert "secret" not in text
    none = markdown(summarise(recipes, [result(r, [0] * 4) for r in recipes]))
    assert "Yet it gets 0 of 4 held-out pairs right, the base alone 0: on these pairs no arm" in none


def test_several_seeds_state_their_spread():
    recipes = plan_arms(PreferenceRecipe().checked(), ["dpo", "simpo"], [16], [7, 8], "scaling")
    found = summarise(recipes, [result(r, [1, r.seed == 8, 0, 0]) for r in recipes])
    assert found["arms"][1]["correct_by_seed"] == [1, 2]
    assert found["arms"][1]["correct_sd"] == pytest.approx(0.5**0.5)
    assert "seeds 7, 8" in markdown(found)


def test_the_rank_changes_capacity_and_not_the_scaling():
    recipes = plan_arms(PreferenceRecipe().checked(), ["dpo", "simpo"], [16, 8], [7], "scaling")
    assert [(r.objective, r.rank, r.alpha) for r in recipes] == [
        ("dpo", 16, 32), ("simpo", 16, 32), ("dpo", 8, 16), ("simpo", 8, 16),
    ]  # fmt: skip
    assert {r.alpha for r in plan_arms(PreferenceRecipe().checked(), ["dpo"], [16, 8], [7], "alpha")} == {32}
    others = [{k: v for k, v in r.record().items() if k not in ("objective", "rank", "alpha", "beta")} for r in recipes]
    assert all(other == others[0] for other in others)


@pytest.mark.parametrize(
    ("objectives", "ranks", "seeds", "words"),
    [
        (["dpo"], [16], [7], "two arms"),
        (["dpo", "dpo"], [16], [7], "--objectives"),
        (["dpo", "simpo"], [], [7], "--ranks"),
        (["dpo", "simpo"], [16], [7, 7], "--seeds"),
        (["dpo", "simpo"], [16, 3], [7], None),
    ],
)
def test_arms_that_compare_nothing_are_refused(objectives, ranks, seeds, words):
    recipe = PreferenceRecipe(alpha=32, rank=16).checked()
    if words is None:
        assert [a.alpha for a in plan_arms(recipe, objectives, ranks, seeds, "scaling")][-1] == 6
        return
    with pytest.raises(InvalidInput, match=words):
        plan_arms(recipe, objectives, ranks, seeds, "scaling")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"objective": "ppo"}, "objective is one of"),
        ({"batch": 0}, "--batch"),
        ({"rate": 0.0}, "--rate"),
        ({"beta": -1.0}, "--beta"),
        ({"dropout": 1.0}, "--dropout"),
        ({"max_tokens": 8}, "--max-tokens"),
    ],
)
def test_a_recipe_out_of_range_names_the_option(change, words):
    with pytest.raises(InvalidInput, match=words):
        PreferenceRecipe(**change).checked()


def test_an_ablation_refuses_before_it_loads_anything(capsys, tmp_path):
    from app.training.ablate import main

    assert main(["--out", str(tmp_path), "--objectives", "dpo,ppo"]) == 1
    assert "not 'ppo'" in capsys.readouterr().err
    assert main(["--out", str(tmp_path), "--ranks", "16,x"]) == 1
    assert "--ranks takes whole numbers" in capsys.readouterr().err
