"""Splink as its guide uses it: comparisons of its own library, blocking by what usually agrees, everything learned without
labels; groups at its usual threshold of 95 %. A peer, installed for the benchmark alone (requirements/peers.in)."""

import contextlib
import io
import logging
from collections.abc import Sequence
from itertools import combinations
from typing import Any

from contacts.linkage.normalize import FIELDS, Person

THRESHOLD = 0.95
# Columns that must agree for two records to be compared; a rule with a column that nobody has is left out.
BLOCKS = (
    ("external_id",), ("email",), ("phone",), ("given", "family"), ("family", "birth"), ("given", "birth"),
    ("family", "postcode"), ("street", "number", "postcode"), ("organisation",),
)  # fmt: skip
# Columns by which it is learnt how often one person shows what.
LEARN = (("given", "family"), ("birth",), ("family", "postcode"), ("organisation",))


def find(people: Sequence[Person]) -> list[tuple[int, int]]:
    """Pairs inside of the groups that Splink finds, by place."""
    import pandas as pd
    from splink import DuckDBAPI, Linker, SettingsCreator, block_on
    from splink.internals.exceptions import EMTrainingException

    logging.getLogger("splink").setLevel(logging.ERROR)
    table = pd.DataFrame(people, columns=FIELDS).dropna(axis=1, how="all")
    table.insert(0, "unique_id", range(len(table)))
    blocks = [block for block in BLOCKS if set(block) <= set(table.columns)]
    settings = SettingsCreator(
        link_type="dedupe_only",
        comparisons=_comparisons(set(table.columns)),
        blocking_rules_to_generate_predictions=[block_on(*block) for block in blocks],
    )
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        linker = Linker(DuckDBAPI().register(table), settings, log_level=logging.ERROR)
        sure = [block_on(*block) for block in blocks if len(block) == 1] or [block_on(*blocks[0])]
        linker.training.estimate_probability_two_random_records_match(sure, recall=0.7)
        linker.training.estimate_u_using_random_sampling(max_pairs=1_000_000, seed=5)
        for block in LEARN:
            if not set(block) <= set(table.columns):
                continue
            # Where a block has no pairs, or all alike, it refuses to learn from them; what it has learned so far stays.
            with contextlib.suppress(ValueError, EMTrainingException):
                linker.training.estimate_parameters_using_expectation_maximisation(block_on(*block))
        predicted = linker.inference.predict(threshold_match_probability=THRESHOLD)
        grouped = linker.clustering.cluster_pairwise_predictions_at_threshold(
            predicted, threshold_match_probability=THRESHOLD
        ).as_pandas_dataframe()
    groups = grouped.groupby("cluster_id")["unique_id"].apply(list)
    return [pair for group in groups if len(group) > 1 for pair in combinations(sorted(map(int, group)), 2)]


def _comparisons(there: set[str]) -> list[Any]:
    from splink import comparison_library as cl

    usual = {
        "given": cl.NameComparison("given"),
        "family": cl.NameComparison("family"),
        "birth": cl.DamerauLevenshteinAtThresholds("birth", [1, 2]),
        "email": cl.EmailComparison("email"),
        "phone": cl.DamerauLevenshteinAtThresholds("phone", [1, 2]),
        "external_id": cl.DamerauLevenshteinAtThresholds("external_id", [1, 2]),
        "street": cl.JaroWinklerAtThresholds("street", [0.9, 0.7]),
        "number": cl.ExactMatch("number"),
        "postcode": cl.DamerauLevenshteinAtThresholds("postcode", [1]),
        "town": cl.JaroWinklerAtThresholds("town", [0.9]),
        "region": cl.ExactMatch("region"),
        "company": cl.JaroWinklerAtThresholds("company", [0.9, 0.7]),
        "organisation": cl.JaroWinklerAtThresholds("organisation", [0.9, 0.7]),
    }
    return [comparison for name, comparison in usual.items() if name in there]
