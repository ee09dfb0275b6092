"""The StarCraft Multi-Agent Challenge without StarCraft: compiled battles on its 23 maps."""
