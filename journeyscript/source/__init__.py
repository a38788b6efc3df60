"""Finds a project's files and reads them as YAML nodes that know where they stand; knows nothing of journeys."""
