"""The judge model: prepare and merge the weights, train the adapter, calibrate and measure it.

Runs in the engine environment (torch, transformers, peft) and is imported by nothing below it. The service itself
never loads a model; it asks vLLM.
"""
