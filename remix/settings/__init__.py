"""The ground floor: errors, checks and signatures, names and what a user wrote."""
