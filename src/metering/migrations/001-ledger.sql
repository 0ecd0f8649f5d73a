-- One row for each billable fact, for ever: what an attempt came to (revision 0), and each correction of it.
create table ledger (
  call_id uuid not null,
  attempt integer not null,
  revision integer not null,
  kind text not null check (kind in ('post', 'void', 'adjust')),
  seq bigint generated always as identity unique,
  held_at timestamptz not null,
  event_at timestamptz,
  recorded_at timestamptz not null default now(),
  organization text not null,
  project text not null,
  key_id text not null,
  key_name text not null,
  user_id text,
  feature text,
  model text,
  target text not null,
  provider text not null,
  class text not null,
  operation text,
  environment text,
  tags text[] not null,
  role text not null check (role in ('answer', 'retry', 'fail_over', 'hedge')),
  source text not null check (source in ('provider', 'estimate', 'unknown', 'hold')),
  usage json,
  input_tokens bigint,
  output_tokens bigint,
  held_pico_usd numeric,
  cost_pico_usd numeric,
  counted_pico_usd numeric,
  counted_input_tokens bigint,
  counted_output_tokens bigint,
  charge_pico_usd numeric,
  price text,
  tier text,
  provider_cost_pico_usd numeric,
  adjustment_id text,
  reason text,
  adjusted_by text,
  -- Kinds are not part of it: an attempt is posted or void, never both.
  primary key (call_id, attempt, revision)
);
-- Entries come about in the order of their holds: this costs next to nothing beside a tree.
create index ledger_by_hold on ledger using brin (held_at) with (pages_per_range = 16, autosummarize = on);
-- What was posted by its hold, because nobody knew its end: the truth may still come.
create unique index ledger_adjustments on ledger (adjustment_id) where adjustment_id is not null;
create index ledger_held on ledger (call_id) where source = 'hold';

create function ledger_is_append_only() returns trigger language plpgsql as $body$
begin
  raise exception 'the ledger is append-only: a correction is an entry of its own'
    using errcode = 'restrict_violation'; end $body$;
create trigger ledger_is_append_only before update or delete or truncate on ledger
  for each statement execute function ledger_is_append_only();

-- Entries that are not in the sums yet, a row for each group that was committed together.
create table ledger_feed (
  no bigint generated always as identity primary key,
  at timestamptz not null default now(),
  size integer not null,
  keys bigint[] not null
);
alter table ledger_feed alter column keys set storage main;

-- The ledger's sums by hour and by day; which dimensions a level tells apart is said in rollups.ts.
create table cost_rollups (
  level smallint not null,
  at timestamptz not null,
  digest uuid not null,
  organization text,
  project text,
  key_id text,
  key_name text,
  user_id text,
  feature text,
  model text,
  target text,
  class text,
  operation text,
  environment text,
  tags text[] not null,
  task text,
  tier text,
  answers boolean,
  estimated boolean,
  entries bigint not null,
  unpriced bigint not null,
  input_tokens double precision not null,
  cached_input_tokens double precision not null,
  cache_write_tokens double precision not null,
  audio_input_tokens double precision not null,
  image_input_tokens double precision not null,
  output_tokens double precision not null,
  reasoning_tokens double precision not null,
  audio_output_tokens double precision not null,
  image_output_tokens double precision not null,
  cost_pico_usd numeric not null,
  charge_pico_usd numeric not null,
  counted_pico_usd numeric not null,
  counted_input_tokens double precision not null,
  counted_output_tokens double precision not null,
  last text,
  unique (level, at, digest)
) partition by list (level);
create table cost_rollups_1 partition of cost_rollups for values in (1) with (fillfactor = 70);
create table cost_rollups_2 partition of cost_rollups for values in (2) with (fillfactor = 70);
create table cost_rollups_3 partition of cost_rollups for values in (3) with (fillfactor = 70);
create table cost_rollups_4 partition of cost_rollups for values in (4) with (fillfactor = 70);
create table cost_rollups_5 partition of cost_rollups for values in (5) with (fillfactor = 70);
create table cost_rollups_6 partition of cost_rollups for values in (6) with (fillfactor = 70);
create table cost_rollups_7 partition of cost_rollups for values in (7) with (fillfactor = 70);
create table cost_rollups_8 partition of cost_rollups for values in (8) with (fillfactor = 70);
create table cost_rollups_9 partition of cost_rollups for values in (9) with (fillfactor = 70);
create index cost_rollups_by_organization on cost_rollups (organization, at);

-- Names from outside that are told apart in the sums of an hour; what comes when the list is full stands as `…other`.
create table cost_rollups_names (
  hour timestamptz not null,
  organization text not null,
  dim text not null,
  name text not null,
  primary key (hour, organization, dim, name)
);
