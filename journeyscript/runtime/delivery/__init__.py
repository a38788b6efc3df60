"""From messages that were decided to messages handed over: claimed, asked again, rendered, given away, settled."""
