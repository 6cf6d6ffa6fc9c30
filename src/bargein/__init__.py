"""Full-duplex voice bots on Pipecat."""
