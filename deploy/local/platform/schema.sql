-- Make the part of the property-management platform that the jobs read and write, for local use.
-- In production the platform owns these tables; deliveries and in_app_notifications must be kept longer than any job.
CREATE SCHEMA platform;

CREATE TABLE platform.users (
    user_id text PRIMARY KEY,
    name text NOT NULL,
    email text,
    phone text,
    push_token text,
    -- How this person wants to be told; each channel needs its address above.
    channels text [] NOT NULL DEFAULT '{email}' CHECK (channels <@ '{email,sms,push}')
);

CREATE TABLE platform.landlords (
    landlord_id text PRIMARY KEY,
    name text NOT NULL
);

CREATE TABLE platform.members (
    landlord_id text NOT NULL REFERENCES platform.landlords,
    user_id text NOT NULL REFERENCES platform.users,
    role text NOT NULL CHECK (role IN ('LANDLORD', 'OPS', 'TENANT', 'CONTRACTOR')),
    PRIMARY KEY (landlord_id, user_id, role)
);

CREATE TABLE platform.properties (
    property_id text PRIMARY KEY,
    landlord_id text NOT NULL REFERENCES platform.landlords,
    address text NOT NULL
);

CREATE TABLE platform.tickets (
    ticket_id text PRIMARY KEY,
    property_id text NOT NULL REFERENCES platform.properties,
    created_by_id text NOT NULL REFERENCES platform.users,
    assigned_to_id text REFERENCES platform.users,
    title text NOT NULL,
    status text NOT NULL DEFAULT 'OPEN' CHECK (
        status IN (
            'OPEN', 'TRIAGED', 'QUOTED', 'APPROVED', 'ASSIGNED', 'SCHEDULED', 'IN_PROGRESS', 'COMPLETED', 'CANCELLED'
        )
    ),
    priority text NOT NULL DEFAULT 'MEDIUM' CHECK (priority IN ('LOW', 'MEDIUM', 'HIGH', 'URGENT')),
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);

-- What the daily escalation looks for.
CREATE INDEX tickets_awaiting ON platform.tickets (created_at)
WHERE status IN ('OPEN', 'TRIAGED') AND priority <> 'URGENT';

CREATE TABLE platform.quotes (
    quote_id text PRIMARY KEY,
    ticket_id text NOT NULL REFERENCES platform.tickets,
    contractor_id text NOT NULL REFERENCES platform.users,
    amount numeric(12, 2) NOT NULL CHECK (amount >= 0),
    status text NOT NULL DEFAULT 'SUBMITTED' CHECK (status IN ('SUBMITTED', 'APPROVED', 'REJECTED'))
);

CREATE TABLE platform.appointments (
    appointment_id text PRIMARY KEY,
    ticket_id text NOT NULL REFERENCES platform.tickets,
    tenant_id text REFERENCES platform.users,
    contractor_id text REFERENCES platform.users,
    status text NOT NULL DEFAULT 'CONFIRMED' CHECK (status IN ('PROPOSED', 'CONFIRMED', 'CANCELLED', 'COMPLETED')),
    starts_at timestamptz NOT NULL
);

CREATE TABLE platform.timeline (
    entry_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    ticket_id text NOT NULL REFERENCES platform.tickets,
    -- The job that caused the entry; a second run of it finds its own entry here.
    cause text NOT NULL,
    kind text NOT NULL,
    detail jsonb NOT NULL DEFAULT '{}',
    happened_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (ticket_id, cause)
);

CREATE TABLE platform.deliveries (
    notification_id text PRIMARY KEY,
    recipient_id text NOT NULL,
    channel text NOT NULL CHECK (channel IN ('email', 'sms', 'push')),
    -- claimed: a run works on it, nothing has left; sending: the message may have left; the others are how it ended.
    state text NOT NULL CHECK (state IN ('claimed', 'sending', 'delivered', 'skipped', 'refused')),
    claim_id uuid NOT NULL,
    claimed_until timestamptz NOT NULL,
    claims integer NOT NULL DEFAULT 1,
    detail text,
    claimed_at timestamptz NOT NULL DEFAULT now(),
    finished_at timestamptz
);

CREATE TABLE platform.in_app_notifications (
    recipient_id text NOT NULL REFERENCES platform.users,
    -- One row per cause, by however many channels the person is told of it.
    cause text NOT NULL,
    subject text,
    message text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    read_at timestamptz,
    PRIMARY KEY (recipient_id, cause)
);
