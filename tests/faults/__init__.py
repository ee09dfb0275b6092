"""Faults that are tried on the product as its users meet them: ``make faults``."""
