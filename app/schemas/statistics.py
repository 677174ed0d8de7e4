"""What may be asked of the statistics, and what comes back.

Options are typed here and judged item by item where they are used: one confidence outside its range, or one unknown
run, spoils its own item of a batch and no other. A request with more items than the limits is refused whole.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictInt, StringConstraints

from app.schemas.core import Strict

MAX_RUNS = 500
MAX_COMPARISONS = 10_000
MAX_TABLES = 1_000

Label = Annotated[str, StringConstraints(max_length=200)]
Number = Annotated[float, Field(strict=True)]
Count = Annotated[int, Field(strict=True)]
RunMethod = Literal["percentile", "bca", "recommended", "wilson", "clopper-pearson", "t"]
PairMethod = Literal["percentile", "bca", "recommended", "tango", "bonett-price", "newcombe"]
Method = Literal[
    "percentile", "bca", "recommended", "wilson", "clopper-pearson", "t", "tango", "bonett-price", "newcombe"
]
Grouping = Literal["category", "criterion"]
Ties = Literal["fail", "half", "success"]
FamilyCorrection = Literal["holm", "benjamini-hochberg", "none"]

METRICS = (
    "`passed`, `score`, `p_fail`, `outcome.<outcome>` (how often items end so), `criterion.<id>`, "
    "`criterion.<id>.score` or `criterion.<id>.p_fail`. Left out: `passed` where the run has passes or failures, "
    "else `score`."
)
Detail = Annotated[
    Literal["full", "brief"],
    Field(
        description="`brief` leaves BCa, unpaired intervals and sentences out of comparisons of rates: much quicker."
    ),
]


class Options(Strict):
    """How to estimate. Options of an item win over those of the request."""

    metric: Annotated[Label | None, Field(description=METRICS)] = None
    group_by: Annotated[
        list[Grouping] | None, Field(max_length=2, description="Estimates for each category, for each criterion.")
    ] = None
    confidence: Annotated[Number | None, Field(description="Inside (0, 1); 0.95 when left out.")] = None
    method: Annotated[
        Method | None, Field(description="Interval to put into `interval`; `percentile` when left out.")
    ] = None
    tie_policy: Annotated[
        Ties | None, Field(description="What a score of exactly one half is worth, on both sides alike.")
    ] = None
    scale: Annotated[
        tuple[Number, Number] | None, Field(description="Ends of the scale of a score, for example [1, 5].")
    ] = None


class RunAsk(Options):
    """One stored run. ``threshold`` is the value that a claim is about: half of the scale when left out."""

    run_id: Label
    threshold: Number | None = None
    statistic: Literal["mean", "median"] | None = None
    seed: Annotated[StrictInt, Field(ge=0, le=2**63 - 1)] = 0
    resamples: Annotated[StrictInt, Field(ge=100, le=100_000)] = 10_000


class PairAsk(Options):
    """Run ``b`` against run ``a``. Comparisons of one ``family`` are corrected together."""

    a: Label
    b: Label
    correction: FamilyCorrection | None = None
    family: Label | None = None
    margin: Annotated[Number | None, Field(description="Margin of a non-inferiority test (TOST).")] = None


class StatisticsRequest(Options):
    """Many stored runs and comparisons. ``comparisons: "all"`` compares every run with every later one."""

    runs: list[RunAsk | Label] = Field(default_factory=list, max_length=MAX_RUNS)
    comparisons: Annotated[list[PairAsk], Field(max_length=MAX_COMPARISONS)] | Literal["all"] = Field(
        default_factory=list
    )
    correction: FamilyCorrection = "holm"
    detail: Detail = "full"


class StatisticsEnvelope(Options):
    """The same, with its items still unread."""

    runs: list[Any] = Field(default_factory=list, max_length=MAX_RUNS)
    comparisons: Annotated[list[Any], Field(max_length=MAX_COMPARISONS)] | Literal["all"] = Field(default_factory=list)
    correction: FamilyCorrection = "holm"
    detail: Detail = "full"


class TableMean(Options):
    """Scores of one system: a list, or counts of scores, or passes and failures. Null is a missing verdict."""

    kind: Literal["mean"]
    name: Label = "scores"
    scores: list[Number | StrictBool | None] | None = None
    counts: list[tuple[Number | StrictBool | None, Count]] | None = None
    passed: Count | None = None
    failed: Count | None = None
    missing: Count = 0
    threshold: Number | None = None
    statistic: Literal["mean", "median"] | None = None
    seed: Annotated[StrictInt, Field(ge=0, le=2**63 - 1)] = 0
    resamples: Annotated[StrictInt, Field(ge=100, le=100_000)] = 10_000


class Cells(Strict):
    """A 2x2 table of tasks."""

    both: Count
    only_a: Count
    only_b: Count
    neither: Count


Outcome3 = Literal["success", "tie", "fail"]


class TablePair(Options):
    """Two systems on the same tasks: a 2x2 table, pairs of scores, counts of pairs, or of preference outcomes."""

    kind: Literal["comparison"]
    a: Label = "a"
    b: Label = "b"
    table: Cells | None = None
    pairs: list[tuple[Number | StrictBool | None, Number | StrictBool | None]] | None = None
    counts: list[tuple[Number | StrictBool | None, Number | StrictBool | None, Count]] | None = None
    preferences: list[tuple[Outcome3 | None, Outcome3 | None, Count]] | None = None
    only_a: Count = 0
    only_b: Count = 0
    correction: FamilyCorrection | None = None
    family: Label | None = None
    margin: Number | None = None


class TableUnpaired(Options):
    """Two systems on tasks of their own: counts of scores of each."""

    kind: Literal["unpaired"]
    a: list[tuple[Number | StrictBool | None, Count]]
    b: list[tuple[Number | StrictBool | None, Count]]


class TableAgreement(Options):
    """Two raters' labels of the same items as a square table: a row a label of the first."""

    kind: Literal["agreement"]
    table: list[list[Count]]
    labels: list[Label]
    weights: Literal["none", "linear", "quadratic"] = "none"
    values: list[Number] | None = None
    same_rater: StrictBool = False


class TableCorrected(Options):
    """A judged pass rate and how often the judge was right on labelled items."""

    kind: Literal["corrected_rate"]
    passed: Count
    n: Count
    correct_fails: Count
    human_fails: Count
    correct_passes: Count
    human_passes: Count


class TablePpi(Options):
    """Labelled items by judge and human, and the judge's verdicts on the others."""

    kind: Literal["ppi_rate"]
    both_pass: Count
    only_judge: Count
    only_human: Count
    both_fail: Count
    passed: Count
    n: Count


class TablePower(Options):
    """How many tasks a comparison needs: power of ``n`` tasks, the smallest difference found, tasks needed."""

    kind: Literal["power"]
    n: Count | None = None
    only_a: Number | None = None
    only_b: Number | None = None
    discordant: Number | None = None
    effect: Number | None = None
    sd: Number | None = None
    power: Number = 0.8
    level: Number = 0.05


Table = Annotated[
    TableMean | TablePair | TableUnpaired | TableAgreement | TableCorrected | TablePpi | TablePower,
    Field(discriminator="kind"),
]


class AdhocRequest(Options):
    """Tables to compute on; nothing is stored."""

    items: Annotated[list[Table], Field(min_length=1, max_length=MAX_TABLES)]
    correction: FamilyCorrection = "holm"


class AdhocEnvelope(Options):
    """The same, with its items still unread."""

    items: Annotated[list[Any], Field(min_length=1, max_length=MAX_TABLES)]
    correction: FamilyCorrection = "holm"


class _Answer(BaseModel):
    """These keys, and more beside them."""

    model_config = ConfigDict(extra="allow")


class IntervalOut(_Answer):
    """A confidence interval; ``exact`` says that nothing was resampled."""

    estimate: float
    lo: float
    hi: float
    confidence: float
    method: str
    convention: str
    n: int
    exact: bool
    degenerate: bool
    seed: int | None = None
    resamples: int | None = None


class WarningOut(_Answer):
    """What a reader must know before quoting the figure."""

    code: str
    message: str


class ItemError(_Answer):
    """Why one item has no answer."""

    code: str
    message: str


class RunStatistics(_Answer):
    """Estimates of one run. ``failure_bounds`` holds the three readings of missing verdicts."""

    run_id: str | None = None
    name: str | None = None
    metric: str | None = None
    n: int | None = None
    missing: int | None = None
    estimate: float | None = None
    interval: IntervalOut | None = None
    percentile: IntervalOut | None = None
    bca: IntervalOut | None = None
    recommended: IntervalOut | None = None
    failure_bounds: dict[str, Any] | None = None
    conclusion: str | None = None
    conclusion_robust: bool | None = None
    warnings: list[WarningOut] = []
    groups: dict[str, list[Any]] | None = None
    sentence: str | None = None
    error: ItemError | None = None


class PairedOut(_Answer):
    """Intervals that use the pairing."""

    percentile: IntervalOut | None
    bca: IntervalOut | None
    recommended: IntervalOut | None
    se: float | None


class UnpairedOut(_Answer):
    """Intervals as if each system had had tasks of its own."""

    percentile: IntervalOut
    bca: IntervalOut | None
    recommended: IntervalOut
    se: float


class ComparisonStatistics(_Answer):
    """Run ``b`` against run ``a`` on the tasks that they share."""

    a: str | None = None
    b: str | None = None
    n_shared: int | None = None
    only_a: int | None = None
    only_b: int | None = None
    table: Cells | None = None
    delta: float | None = None
    interval: IntervalOut | None = None
    paired: PairedOut | None = None
    unpaired: UnpairedOut | None = None
    phi: float | None = None
    covariance: float | None = None
    variance_reduction: float | None = None
    p_sign_flip: float | None = None
    p_mcnemar_exact: float | None = None
    p_adjusted: float | None = None
    failure_bounds: dict[str, Any] | None = None
    pairing: dict[str, Any] | None = None
    conclusion: str | None = None
    conclusion_robust: bool | None = None
    warnings: list[WarningOut] = []
    groups: dict[str, list[Any]] | None = None
    sentence: str | None = None
    error: ItemError | None = None


class Family(_Answer):
    """Comparisons whose p-values were adjusted together."""

    family: str
    correction: str
    size: int


class StatisticsResponse(_Answer):
    """Answers in the order of the request; an item that has none says why in ``error``."""

    runs: list[RunStatistics]
    comparisons: list[ComparisonStatistics]
    families: list[Family]
    engine_version: str


class AdhocResponse(_Answer):
    """Answers in the order of the tables."""

    items: list[dict[str, Any]]
    families: list[Family]
    engine_version: str


class AgreementResponse(_Answer):
    """Judge against humans, humans against each other, and what that does to the judge's pass rates."""

    judge_human: dict[str, Any] | None
    human_human: list[dict[str, Any]]
    retest: list[dict[str, Any]]
    corrected: list[dict[str, Any]]
    engine_version: str
