"""Recipes of the packed training: everything that decides what comes out, and the file that lists them in stages.

A recipe file is TOML with one ``[[stages]]`` table a stage; ``shipped.toml`` is how the shipped adapter was made.
Refused: an unknown field, a value of another type or out of range, a hand that does not exist, a file without a stage.
"""

from __future__ import annotations

import math
import tomllib
from dataclasses import dataclass, fields
from pathlib import Path

from app.bench.moves import CRITERIA, MODEL_CRITERIA, OVERALL
from app.bench.tasks import written_tasks
from app.errors import InvalidInput, SetupError
from app.training.base import SMOLLM2

SHIPPED_RECIPE = Path(__file__).parent / "shipped.toml"
SHIPPED_PUBLISHED = Path(__file__).parent / "shipped_published.txt"
PASSES = ("agreed", "all")


@dataclass(frozen=True)
class Recipe:
    """Everything that decides what comes out; two equal recipes on equal weights give equal adapters.

    ``contrasts`` adds the contrast sets of the generated drafts, two thirds as many again;
    ``focus_scenarios`` more scenarios are drawn, of which only the drafts that violate a criterion of ``focus``
    ("pricing,tone") are kept, with those that they were made from and their contrasts;
    ``published`` is how many published drafts are drawn, ``listed`` takes those of ``shipped_published.txt`` instead;
    ``passes`` draws only passes that no rule contradicts ("agreed") or "all", each counting ``pass_weight``;
    ``written`` is how often the drafts written one by one are shown, ``hands`` whose ("ash,birch"; empty for all);
    ``turned`` adds to each of them that repeats a number from its facts what contradicts them (``app.bench.turned``);
    ``resegmented`` adds to the generated ones that make a segment's pitch the same in another segment
    (``app.bench.resegmented``);
    ``criteria`` asks only for these of the model's criteria ("grounding,tone"; empty for all);
    ``listed_each`` takes every n-th listed draft;
    ``whole`` asks for the score of the whole draft as well, which starts the learning and which only generated drafts
    have; ``without`` names authors to leave out;
    ``steps`` ends a stage before its plan does, 0 for the whole plan;
    ``frozen_layers`` lowest layers keep the adapter that the stage starts with;
    ``kept`` is the share of the start's weights in what the stage writes, 0.5 for the mean of both ends.
    """

    base: str = SMOLLM2
    seed: int = 7
    scenarios: int = 130
    drafts: int = 6
    contrasts: bool = False
    focus: str = ""
    focus_scenarios: int = 0
    published: int = 0
    passes: str = "agreed"
    pass_weight: float = 0.5
    listed: bool = False
    written: int = 0
    hands: str = ""
    turned: bool = False
    resegmented: bool = False
    listed_each: int = 1
    criteria: str = ""
    whole: bool = False
    without: str = ""
    epochs: int = 1
    steps: int = 0
    rate: float = 6e-4
    warmup: float = 0.04
    rank: int = 16
    alpha: int = 32
    dropout: float = 0.05
    packs_per_step: int = 2
    pack_tokens: int = 950
    frozen_layers: int = 0
    kept: float = 0.0

    @property
    def asked(self) -> tuple[str, ...]:
        """The criteria whose scores a stage trains, in the rubric's order, and the whole behind them if asked."""
        named = self.criteria.split(",") if self.criteria else MODEL_CRITERIA
        return (*(c for c in MODEL_CRITERIA if c in named), *((OVERALL,) if self.whole else ()))

    def checked(self) -> Recipe:
        """The recipe as it is.

        Raises
        ------
        InvalidInput
            Naming the option that is out of range, or a hand that does not exist.
        """
        least = dict.fromkeys(("rank", "alpha", "epochs", "drafts", "packs_per_step", "pack_tokens", "listed_each"), 1)
        least |= dict.fromkeys(
            ("seed", "scenarios", "published", "written", "steps", "frozen_layers", "focus_scenarios"), 0
        )
        for name, low in least.items():
            if getattr(self, name) < low:
                raise InvalidInput(f"{_option(name)} must be at least {low}.")
        if not 0 < self.rate < math.inf:
            raise InvalidInput("--rate must be a number above 0.")
        if self.passes not in PASSES:
            raise InvalidInput(f"--passes is one of {', '.join(PASSES)}.")
        if not 0 <= self.pass_weight <= 1:
            raise InvalidInput("--pass-weight is a number from 0 to 1.")
        for name in ("warmup", "dropout", "kept"):
            if not 0 <= getattr(self, name) < 1:
                raise InvalidInput(f"{_option(name)} is a share, from 0 to below 1.")
        if not (self.scenarios or self.published or self.listed or self.written):
            raise InvalidInput("There is nothing to train on; give --scenarios, --published, --listed or --written.")
        if self.whole and (self.published or self.listed or self.written):
            raise InvalidInput("Only generated drafts have a score for the whole; leave published and written at 0.")
        for option, names, taken in (("--criteria", self.criteria, MODEL_CRITERIA), ("--focus", self.focus, CRITERIA)):
            if unknown := sorted({name for name in names.split(",") if name} - set(taken)):
                raise InvalidInput(f"{option} names {unknown[0]!r}; it takes {', '.join(taken)}.")
        if self.turned and not self.written:
            raise InvalidInput("--turned turns drafts written one by one; give --written as well.")
        if self.resegmented and not self.scenarios:
            raise InvalidInput("--resegmented takes generated drafts; give --scenarios as well.")
        if bool(self.focus) != bool(self.focus_scenarios):
            raise InvalidInput("--focus and --focus-scenarios go together.")
        if hands := {name for name in self.hands.split(",") if name}:
            known = {task.task_id.partition("-")[0] for task in written_tasks()}
            if missing := sorted(hands - known):
                raise InvalidInput(f"--hands names {missing[0]!r}, but the hands are {', '.join(sorted(known))}.")
        return self


@dataclass(frozen=True)
class Run:
    """How a recipe is carried out: nothing here changes what is learned beyond rounding."""

    out: Path
    data: Path | None = None
    start: Path | None = None
    threads: int = 0
    precision: str = "auto"
    save_every: int = 20
    limit_s: float | None = None
    compiled: bool = False

    def checked(self) -> Run:
        """The run as it is.

        Raises
        ------
        InvalidInput
            Naming the option that is out of range.
        """
        for name, low in (("save_every", 1), ("threads", 0)):
            if getattr(self, name) < low:
                raise InvalidInput(f"{_option(name)} must be at least {low}.")
        return self


def _option(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def read_stages(path: Path) -> list[Recipe]:
    """The stages of a recipe file (TOML, ``[[stages]]``), each going on from the one before.

    Raises
    ------
    SetupError
        Naming the file and the field that does not fit.
    """
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SetupError(f"The recipe {path} cannot be read: {error.strerror}.") from error
    except ValueError as error:
        raise SetupError(f"The recipe {path.name} is not TOML: {error}.") from error
    known = {field.name: type(field.default) for field in fields(Recipe)}
    stages = []
    for index, stage in enumerate(raw.get("stages", ()), start=1):
        for name, value in stage.items():
            if name not in known:
                raise SetupError(f"{path.name}: stage {index} has no field {name!r}; known are {', '.join(known)}.")
            if type(value) is not known[name]:
                raise SetupError(f"{path.name}: stage {index}: {name} must be of type {known[name].__name__}.")
        try:
            stages.append(Recipe(**stage).checked())
        except InvalidInput as error:
            raise SetupError(f"{path.name}: stage {index}: {error}") from error
    if not stages:
        raise SetupError(f"The recipe {path.name} has no [[stages]].")
    return stages
