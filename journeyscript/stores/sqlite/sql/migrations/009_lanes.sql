-- Pending sends by channel and journey, so that each of them can be served in turn.
DROP INDEX sends_pending;

CREATE INDEX sends_pending ON sends (channel, journey, available_at) WHERE status = 'pending';
