"""A channel whose other side says what the test tells it to: for outcomes that no real server can be made to give."""


class Answering:
    """Gives answers in turn, and keeps what it was given."""

    def __init__(self, *answers):
        self.answers, self.given = list(answers), []

    async def deliver(self, batch):
        self.given += batch
        return [self.answers.pop(0) for _ in batch]

    def hurry(self, seconds):
        pass

    async def close(self):
        pass
