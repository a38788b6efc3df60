-- Addresses that must not be written to, whoever has them: what stands for an address, and never the address itself.
CREATE TABLE suppressions (
    digest INTEGER PRIMARY KEY
) STRICT;
