"""Findings as people and tools want them: with the source, in a line, as JSON, SARIF, JUnit, Markdown or annotations.

`diagnostics` chooses the form. Nothing here looks for a finding or decides what one weighs.
"""
