"""Words that name stacks: what people of a stack are called, and stacks that go by their own name."""

from __future__ import annotations

import re

from app.judge.rules.phrasing import word_set

_SYNONYMS = {
    "ml": {"ml", "machine", "mlops", "pytorch"},
    "data": {"data", "analytics", "etl", "dbt"},
    "infra": {"infra", "infrastructure", "devops", "sre", "kubernetes", "terraform", "cloud"},
    "javascript": {"javascript", "js", "typescript", "react", "node", "node.js"},
    "golang": {"go", "golang"},
    "go": {"go", "golang"},
    "qa": {"qa", "testers", "tester", "quality"},
    "nestjs": {"nestjs", "nest"},
    "cpp": {"cpp", "c++"},
    "frontend": {"frontend", "front-end", "react", "angular", "vue"},
    "backend": {"backend", "back-end"},
    "dotnet": {"dotnet", ".net", "c#"},
    ".net": {"dotnet", ".net", "c#"},
    "python": {"python", "django", "fastapi", "flask"},
    "ruby": {"ruby", "rails"},
    "php": {"php", "laravel"},
    "ios": {"ios", "swift"},
    "android": {"android", "kotlin"},
}
# Stacks that go by their own name: words that tell people apart even where no bench lists them.
STACK_WORDS = word_set(
    "python java javascript typescript react angular vue node node.js golang rust scala kotlin swift ios android "
    "flutter "
    "php ruby rails django laravel elixir erlang clojure haskell dotnet .net c# c++ perl cobol sap salesforce "
    "devops sre "
    "mlops ml frontend front-end backend back-end fullstack full-stack embedded qa snowflake databricks spark kafka "
    "kubernetes terraform pytorch unity unreal solidity nestjs"
)


def names_of(stack: str) -> frozenset[str]:
    """The words by which a stack goes, synonyms of its parts included."""
    parts = {
        part
        for part in re.split(r"[\s_/-]+", stack)
        if part and part not in {"engineers", "engineer", "team", "fullstack", "full", "stack", "senior"}
    }
    if not parts:
        parts = {stack}
    return frozenset(parts | {synonym for part in parts for synonym in _SYNONYMS.get(part, ())})
