"""A machine as a picture: what is drawn (`picture`), where it stands (`layout` and its steps), and how it is written.

`svg`, `dot` and `mermaid` write the same picture in three forms. The same machine gives the same bytes; nothing here
needs a browser, a network or a program beside this one.
"""
