"""Tests of journeys: an invented customer and timeline on the production path, held against what is expected.

`trial` runs one test, `invented` turns the written story into records, `happened` reads back what came of it,
`expectations` and `expected_sends` compare, `causes` says what led to a message. Nothing here is shown to anybody.
"""
