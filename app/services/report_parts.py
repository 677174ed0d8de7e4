"""One estimate of stored runs: labels become numbers, and what is known of the runs becomes warnings."""

from __future__ import annotations

from collections.abc import Sequence

from app.db.fields import Metric
from app.db.statistics import RunFacts
from app.services import estimates
from app.services.counting import RunCounts
from app.services.estimates import ClusterRows, Json, Wanted
from app.stats import Caution, StatisticsError, alternating, different_judges


class Refusal(Exception):
    """Why an item has no answer: a stable code and one sentence."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message

    @classmethod
    def of(cls, error: StatisticsError | Refusal) -> Refusal:
        """The same as a refusal."""
        return error if isinstance(error, Refusal) else cls(error.code, str(error))

    @property
    def told(self) -> Json:
        """As it stands in an answer."""
        return {"code": self.code, "message": self.message}


def described(run: RunFacts) -> Json:
    """What an answer says of the run that it is about."""
    return {
        "name": run.name,
        "system": run.system,
        "status": run.status,
        "judge_digest": run.judges[0] if run.judges else None,
        "outcomes": dict(run.outcomes),
    }


def of_run(
    run: RunFacts,
    metric: Metric,
    wanted: Wanted,
    rows: Sequence[tuple[str | None, int]],
    counts: RunCounts,
    clusters: ClusterRows | None,
    *,
    whole: bool,
) -> Json:
    """The estimate of a run or, when not ``whole``, of one group of its items."""
    scores = estimates.scores_of(((metric.value(label), n) for label, n in rows), wanted.tie_policy)
    cautions: list[Caution] = []
    if whole:
        cautions += _of_status(run)
        if counts.marked is not None and scores.is_rate and counts.marked.changes:
            odd = alternating(counts.marked.changes, scores.count_of(1.0), scores.count_of(0.0))
            cautions += [odd] if odd is not None else []
    if counts.binned:
        cautions.append(_BINNED)
    return estimates.estimate(scores, wanted, run.name, clusters=clusters, cautions=cautions)


def of_pair(
    sides: Sequence[RunFacts],
    metric: Metric,
    wanted: Wanted,
    cells: Sequence[tuple[str | None, str | None, int]],
    clusters: ClusterRows | None,
    *,
    whole: bool,
) -> Json:
    """The comparison of two runs or, when not ``whole``, of one group of the tasks that they share."""
    a, b = sides
    pairs = estimates.pairs_of([(metric.value(x), metric.value(y), n) for x, y, n in cells], wanted.tie_policy)
    only = (a.total - pairs.n, b.total - pairs.n) if whole else (0, 0)
    cautions = cautions_of_pair(a, b) if whole else []
    names = (a.name, b.name)
    return estimates.compare(pairs, wanted, names, only=only, clusters=clusters, cautions=cautions)


CLUSTERS_IGNORED = Caution(
    "clusters-ignored",
    "The items come in clusters; the intervals of groups treat them as independent and can be too narrow.",
)
_BINNED = Caution(
    "scores-binned",
    "The scores take too many values to count one by one; they stand in bins a sixty-fourth of their spread wide.",
)


def _of_status(run: RunFacts) -> list[Caution]:
    found: list[Caution] = []
    if run.moving:
        text = f"{run.moving} of {run.total} items of {run.name} have not ended yet; they count as missing verdicts."
        found.append(Caution("run-unfinished", text))
    if len(run.judges) > 1:
        found.append(
            Caution("judge-changed", f"The judge changed while {run.name} was judged: {len(run.judges)} identities.")
        )
    return found


def cautions_of_pair(a: RunFacts, b: RunFacts) -> list[Caution]:
    """What must be known of two runs before they are compared."""
    found = _of_status(a) + (_of_status(b) if b.id != a.id else [])
    if a.kind == b.kind == "scored":
        text = "Both runs hold outcomes made elsewhere; Presend cannot tell whether one judge made them."
        found.append(Caution("judge-unknown", text))
    else:
        judges = [run.judges[0] if len(run.judges) == 1 else None for run in (a, b)]
        differ = different_judges(judges[0], judges[1])
        found += [differ] if differ is not None else []
    if a.kind == b.kind == "judged" and a.rubric != b.rubric:
        found.append(Caution("different-rubrics", "The two runs were judged under different rubrics."))
    if a.id == b.id:
        found.append(Caution("same-run", "A run is compared with itself."))
    return found
