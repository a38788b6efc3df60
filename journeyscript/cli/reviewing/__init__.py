"""What a change comes to, section by section, in one comment for a pull request.

Takes a project as it is and as it was; gives Markdown. What it tells is found elsewhere.
"""
