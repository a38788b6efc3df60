"""What a change of a journey means for those who are inside of it: the rules from JS801 on.

They look at two versions and at how many people stand where; `validate`, which has only one version, does not ask them.
"""
