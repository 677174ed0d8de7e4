"""The command `presend`. Every command is a few lines over a part that stands on its own.

Errors are one sentence on standard error; a traceback is shown with ``--debug`` only. Exit codes: 0 done (for drafts:
send), 1 something is missing or failed, 2 wrong usage or configuration, 3 revise, 4 hold, 5 a
``--require`` of the statistics is not met.
"""

from app.cli.program import main

__all__ = ["main"]
