"""What the compiler proves: on a machine alone (`flow`), on a channel's file, and across the files of a project.

Every check takes a value that an earlier stage made and gives findings; none of them changes anything.
"""
