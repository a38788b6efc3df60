"""The most messages that a customer can get, and what frequency caps make of it.

`times` and `ways` say where an enrollment can go and how long that takes, `search` follows it with a count, `figures`
and `caps` ask the questions. Knows machines and policies, and no customer.
"""
