-- Create the one row that says how far the chain was verified, so that the next look goes on there.
--
-- It is a witness too: the furthest record that ever fitted, with its hash. A chain that was cut off before it, or whose
-- hashes were all computed anew, no longer fits it. Whoever may change this row as well can still hide both; who fears that
-- keeps a head elsewhere (see README). After a restore that lost records, the alarm is right; once that is known, end it:
-- UPDATE job_audit_verification SET place_id = 0, whole = FALSE, witness_id = 0, broken_at = NULL, broken_since_ms = NULL;
-- In production the service's role needs SELECT and UPDATE on it, see 0001.

CREATE TABLE job_audit_verification (
    only_row boolean PRIMARY KEY DEFAULT TRUE CHECK (only_row),
    place_id bigint NOT NULL DEFAULT 0, -- newest record that fits in the pass from the first record that runs; 0: none yet
    place_hash bytea NOT NULL DEFAULT '',
    began_at_ms bigint NOT NULL DEFAULT 0, -- when that pass began
    whole boolean NOT NULL DEFAULT FALSE, -- it has reached the chain's end, and since then follows it
    whole_at_ms bigint, -- when a pass last reached the end for the first time
    witness_id bigint NOT NULL DEFAULT 0, -- furthest record at which a pass stood at the chain's end
    witness_hash bytea NOT NULL DEFAULT '',
    witness_at_ms bigint, -- when one last stood there
    broken_at bigint, -- first record that does not fit
    broken_since_ms bigint -- when that was found
);

INSERT INTO job_audit_verification DEFAULT VALUES;
