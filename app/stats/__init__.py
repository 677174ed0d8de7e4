"""Statistics of evaluation runs: counts in, frozen results out, no seed where none is needed.

Why: a bootstrap of pass rates or of scores on a grid has a distribution that can be computed, so an
interval here is reproducible to the digit, costs a fraction of a millisecond and travels with the
interval that should be quoted instead. What it refuses: rows (every function takes counts), NaN and
Infinity in any result, and any knowledge of drafts, runs or databases.

The methods, conventions and sources are in ``docs/statistics.md``.
"""

from __future__ import annotations

from app.stats.agreement import Agreement, MarginalShift, agreement, stuart_maxwell
from app.stats.cautions import alternating, different_judges
from app.stats.chance import Coefficient, cohen_kappa, gwet_ac1, krippendorff_alpha, pair_units
from app.stats.clusters import ClusterEstimate, Clusters, cluster_delta, cluster_mean
from app.stats.corrected import CorrectedRate, corrected_rate
from app.stats.errors import (
    BadConfidence,
    BadInput,
    MixedMetrics,
    NoSharedTasks,
    NoVerdicts,
    StatisticsError,
)
from app.stats.histogram import TIE_SCORES, Histogram, PairCounts, TiePolicy
from app.stats.intervals import (
    clopper_pearson,
    newcombe_independent,
    recommended_rate,
    t_interval,
    welch_interval,
    wilson,
)
from app.stats.matrix import (
    ComparisonMatrix,
    RunIntervals,
    TableComparisons,
    compare_matrix,
    compare_tables,
    run_intervals,
)
from app.stats.mcnemar import McNemarTest, mcnemar
from app.stats.means import MeanEstimate, failure_bounds, group_ci, mean_ci
from app.stats.missing import FailureBounds, PairFailureBounds
from app.stats.montecarlo import median_ci, monte_carlo_ci, quantile_statistic, ratio_statistic
from app.stats.multiplicity import Adjusted, Correction, adjust, adjust_comparisons
from app.stats.noninferiority import NonInferiority, noninferiority
from app.stats.paired import Comparison, PairedIntervals, Table, check_same_metric, paired_delta
from app.stats.paired_intervals import bonett_price, newcombe_paired, tango
from app.stats.power import (
    mde_mean,
    mde_paired_rates,
    mde_unpaired_rates,
    power_mean,
    power_paired_rates,
    power_unpaired_rates,
    tasks_needed_paired_rates,
)
from app.stats.ppi import PpiRate, ppi_rate
from app.stats.results import ENGINE_VERSION, Caution, Interval, digest_of
from app.stats.signflip import SignFlipTest, sign_flip
from app.stats.unpaired import UnpairedComparison, UnpairedIntervals, unpaired_delta

__all__ = [
    "ENGINE_VERSION",
    "TIE_SCORES",
    "Adjusted",
    "Agreement",
    "BadConfidence",
    "BadInput",
    "Caution",
    "ClusterEstimate",
    "Clusters",
    "Coefficient",
    "Comparison",
    "ComparisonMatrix",
    "CorrectedRate",
    "Correction",
    "FailureBounds",
    "Histogram",
    "Interval",
    "MarginalShift",
    "McNemarTest",
    "MeanEstimate",
    "MixedMetrics",
    "NoSharedTasks",
    "NoVerdicts",
    "NonInferiority",
    "PairCounts",
    "PairFailureBounds",
    "PairedIntervals",
    "PpiRate",
    "RunIntervals",
    "SignFlipTest",
    "StatisticsError",
    "Table",
    "TableComparisons",
    "TiePolicy",
    "UnpairedComparison",
    "UnpairedIntervals",
    "adjust",
    "adjust_comparisons",
    "agreement",
    "alternating",
    "bonett_price",
    "check_same_metric",
    "clopper_pearson",
    "cluster_delta",
    "cluster_mean",
    "cohen_kappa",
    "compare_matrix",
    "compare_tables",
    "corrected_rate",
    "different_judges",
    "digest_of",
    "failure_bounds",
    "group_ci",
    "gwet_ac1",
    "krippendorff_alpha",
    "mcnemar",
    "mde_mean",
    "mde_paired_rates",
    "mde_unpaired_rates",
    "mean_ci",
    "median_ci",
    "monte_carlo_ci",
    "newcombe_independent",
    "newcombe_paired",
    "noninferiority",
    "pair_units",
    "paired_delta",
    "power_mean",
    "power_paired_rates",
    "power_unpaired_rates",
    "ppi_rate",
    "quantile_statistic",
    "ratio_statistic",
    "recommended_rate",
    "run_intervals",
    "sign_flip",
    "stuart_maxwell",
    "t_interval",
    "tango",
    "tasks_needed_paired_rates",
    "unpaired_delta",
    "welch_interval",
    "wilson",
]
