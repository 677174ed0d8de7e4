"""Deterministic checks: what a model may never overrule."""

from app.judge.rules.engine import RULESET_VERSION, Ruleset

__all__ = ["RULESET_VERSION", "Ruleset"]
