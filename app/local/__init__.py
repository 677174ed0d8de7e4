"""One machine, no setup: what `presend up` starts, watches and ends. See :func:`app.local.supervisor.up`."""
