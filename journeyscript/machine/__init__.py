"""The state machine: its values, how journeys are lowered to it, its canonical form, its picture.

A machine is data. It knows no engine, no clock and no customer.
"""
