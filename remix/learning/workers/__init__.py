"""Workers: play whole episodes with a policy, in this process or in others, with the same result."""
