"""``python -m app.cli`` is `presend`; the supervisor starts the API this way, whatever is on PATH."""

from app.cli.program import main

if __name__ == "__main__":
    main()
