"""Time and events come up: intake, batches, delivery, replays, the live loop, journey tests, explanations.

Carries values between the stores, the engine and the channels, and decides nothing that the engine decides.
"""
