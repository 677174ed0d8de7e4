"""The scripted engine, for tests over real HTTP."""

from tests.fake_plugin import fake_vllm, fake_vllm_process, fake_vllm_thread

__all__ = ["fake_vllm", "fake_vllm_process", "fake_vllm_thread"]
