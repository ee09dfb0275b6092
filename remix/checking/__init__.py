"""The contracts of the parts that plug into the platform, for parts of one's own: :func:`.kinds.check`.

A clause is a function that looks at one property and says in one line what is broken, where, and what would
be right. The tests of our own parts call the same functions. Nothing is imported here: the process in which
an environment is played for comparison needs little.
"""
