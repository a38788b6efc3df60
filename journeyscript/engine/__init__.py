"""The pure heart: conditions evaluated, moments computed, enrollments stepped.

Takes machines, facts and inputs, gives outcomes. No clock, no chance, no file, no store; the same arguments give the
same answer, byte for byte.
"""
