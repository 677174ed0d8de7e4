"""Presend-Bench: drafts whose ground truth holds by construction, for a fictional vendor called Kestrelworks.

Pure: seeds in, examples out. Nothing here reads a model, a network or a clock.
"""
