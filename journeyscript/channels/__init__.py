"""What can carry a message: rendering, and the adapters for a terminal, files and SMTP.

Takes a message's content, a customer's data and a channel's configuration; gives one outcome for each message. Knows
no journey and no store, and never decides who may be written to.
"""
