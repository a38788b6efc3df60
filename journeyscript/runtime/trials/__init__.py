"""Tests of journeys: an invented customer and timeline on the production path, held against what is expected.

`trial` runs one test, `invented` turns the written story into records, `happened` reads back what came of it,
`expectations` and `expected_sends` compare, `causes` and `deciding` say what it was due to, `coverage` what was taken.
`staging`, `generated` and `recording` write tests: of `ways` somebody could go, or of what happened to somebody.
"""
