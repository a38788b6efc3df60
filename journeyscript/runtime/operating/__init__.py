"""What an operator does to a run and sees of it: orders, the letterbox, the pulse, metrics, retention.

Orders go through the same batches as everything else; what is seen changes nothing.
"""
