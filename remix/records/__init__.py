"""The folder of a run: the names of its files, its record, and who holds it. Free of torch and Hydra."""
