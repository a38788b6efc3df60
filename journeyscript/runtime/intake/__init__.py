"""What comes in: sources, records and tables to values that the catalog knows, and what cannot be taken in.

Reads, and decides nothing; gives records in order with how far each source was read.
"""
