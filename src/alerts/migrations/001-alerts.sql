-- What somebody should know before it hurts. `id` is a UUID of version 7, so rows sort by time. A key says what it is
-- about and in which window, and is there once, whichever processes notice.
create table alerts (
  id uuid primary key,
  key text not null unique,
  kind text not null,
  severity text not null check (severity in ('info', 'warning', 'critical')),
  -- Null: it concerns no organization more than others.
  organization text,
  title text not null,
  -- `json`, not `jsonb`: names of users stand in it, and `jsonb` cannot hold U+0000.
  detail json not null,
  raised_at timestamptz not null,
  -- When it is over by itself, such as the window of its budget.
  ends_at timestamptz not null,
  acknowledged_at timestamptz,
  acknowledged_by text
);

-- One row for each destination that is to hear of an alert. States: pending → delivered, failed (given up) or silenced
-- (over before its silence was). Whoever delivers has it until `leased_until`; when a process dies, another takes over.
create table alert_deliveries (
  alert_id uuid not null references alerts (id) on delete cascade,
  destination text not null,
  state text not null default 'pending' check (state in ('pending', 'delivered', 'failed', 'silenced')),
  -- Begun; the one under way is the last.
  attempts integer not null default 0,
  next_at timestamptz not null,
  first_at timestamptz,
  leased_until timestamptz,
  ended_at timestamptz,
  last_error text,
  primary key (alert_id, destination)
);
create index alert_deliveries_due on alert_deliveries (next_at) where state = 'pending';

-- What is not to be delivered for a while. A field that is null matches everything.
create table alert_silences (
  id uuid primary key,
  kind text,
  key_prefix text,
  organization text,
  until timestamptz not null,
  reason text not null,
  created_at timestamptz not null,
  created_by text not null
);
