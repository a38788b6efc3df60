"""Files exactly as written: expressions, durations, journeys, messages, configuration, and the schemas of their shape.

Nothing is resolved or judged here beyond its form.
"""
