-- One row for each Idempotency-Key that is held: by a call that runs, or by an answer that is kept. A call that
-- failed leaves none. `expires_at` is the end of a lease while the call runs (its process renews it), and of the
-- answer's time after that; past it the row counts as gone.
create table idempotency_keys (
  organization text not null,
  project text not null,
  key text not null,
  -- SHA-256 of address and body, in hex.
  fingerprint text not null,
  -- The call that was made.
  call_id uuid not null,
  -- The process that makes or made it.
  instance uuid not null,
  state text not null check (state in ('running', 'kept', 'too_large')),
  expires_at timestamptz not null,
  target text,
  streamed boolean,
  status integer,
  headers json,
  body bytea,
  primary key (organization, project, key)
);
-- Answers are read whole or not at all, and packing them costs more than it saves in a day.
alter table idempotency_keys alter column body set storage external;
create index idempotency_keys_by_end on idempotency_keys (expires_at);
