-- As released in 0.1.0.

-- People: who they are, how they prove it, and what is to be mailed to them. None of it is an event.

CREATE TABLE IF NOT EXISTS users (
    user_id uuid PRIMARY KEY,
    -- As it was written; and as it is compared: in ASCII, in lower case.
    email text NOT NULL,
    email_key text NOT NULL UNIQUE,
    name text NOT NULL,
    role text NOT NULL CHECK (role IN ('USER', 'ADMIN')),
    password_hash text NOT NULL,
    -- Counts the resets: a sign-in that began under the old password opens no session.
    password_version integer NOT NULL DEFAULT 1,
    email_verified boolean NOT NULL DEFAULT false,
    -- How often the address was signed up without being verified: the last one counts.
    sign_ups integer NOT NULL DEFAULT 1,
    locked boolean NOT NULL DEFAULT false,
    account_id uuid NOT NULL UNIQUE,
    opening_deposit bigint NOT NULL,
    created_at timestamptz NOT NULL
);

CREATE TABLE IF NOT EXISTS sessions (
    session_id uuid PRIMARY KEY,
    user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    opened_at timestamptz NOT NULL,
    ended_at timestamptz
);
CREATE INDEX IF NOT EXISTS sessions_user_id_idx ON sessions (user_id);
CREATE INDEX IF NOT EXISTS sessions_ended_at_idx ON sessions (ended_at) WHERE ended_at IS NOT NULL;

-- Used ones are kept until they expire, so that a second use is noticed.
CREATE TABLE IF NOT EXISTS refresh_tokens (
    token_hash bytea PRIMARY KEY,
    session_id uuid NOT NULL REFERENCES sessions ON DELETE CASCADE,
    expires_at timestamptz NOT NULL,
    used_at timestamptz
);
CREATE INDEX IF NOT EXISTS refresh_tokens_session_id_idx ON refresh_tokens (session_id);
CREATE INDEX IF NOT EXISTS refresh_tokens_expires_at_idx ON refresh_tokens (expires_at);

-- One code a purpose: the next replaces it.
CREATE TABLE IF NOT EXISTS mail_codes (
    email_key text NOT NULL,
    purpose text NOT NULL CHECK (purpose IN ('VERIFY', 'RESET')),
    code_hash bytea NOT NULL,
    tries_left integer NOT NULL,
    expires_at timestamptz NOT NULL,
    PRIMARY KEY (email_key, purpose)
);

-- What is to be mailed, to an address that may or may not be known: the courier finds out, and makes
-- the code, when it sends. So no code stands here, and to ask for one costs the same for any address.
CREATE TABLE IF NOT EXISTS outbox_mails (
    mail_id uuid PRIMARY KEY,
    kind text NOT NULL CHECK (kind IN ('SIGN_UP', 'VERIFY', 'RESET')),
    email_key text NOT NULL,
    created_at timestamptz NOT NULL,
    due_at timestamptz NOT NULL,
    attempts integer NOT NULL DEFAULT 0,
    last_error text,
    given_up_at timestamptz
);
CREATE INDEX IF NOT EXISTS outbox_mails_due_at_idx ON outbox_mails (due_at) WHERE given_up_at IS NULL;
CREATE INDEX IF NOT EXISTS outbox_mails_email_key_idx ON outbox_mails (email_key);

-- `hits` are the moments within the window, never more than the limit allows.
CREATE TABLE IF NOT EXISTS rate_limits (
    name text NOT NULL,
    subject text NOT NULL,
    client text NOT NULL,
    hits timestamptz[] NOT NULL,
    expires_at timestamptz NOT NULL,
    PRIMARY KEY (name, subject, client)
);
CREATE INDEX IF NOT EXISTS rate_limits_expires_at_idx ON rate_limits (expires_at);
