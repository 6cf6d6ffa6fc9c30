"""Full-duplex voice bots on Pipecat."""

from bargein.tools.decorator import tool

__all__ = ["tool"]
