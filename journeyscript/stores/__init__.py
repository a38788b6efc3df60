"""Where customers, events, enrollments and sends are kept, behind one set of verbs (`records.Store`).

`sqlite` keeps them in a file, `memory` in memory. Both know no rules: whoever calls them decides.
"""
