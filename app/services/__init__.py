"""Use cases: the only place that joins the pure core with Postgres and the engine."""
