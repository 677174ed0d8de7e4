"""The pure half of judging: text in, findings, prompts, verdicts and actions out. No input, no output."""
