-- One row for each call that has ended, or whose end nobody will learn. Written once, in groups.
create table calls (
  id uuid primary key,
  started_at timestamptz not null,
  ended_at timestamptz,
  status text not null,
  code text,
  organization text not null,
  project text not null,
  key_id text not null,
  key_name text not null,
  user_id text,
  feature text,
  class text not null,
  dialect text not null,
  operation text,
  model text,
  target text,
  stream boolean not null,
  total_ms integer,
  first_token_ms integer,
  input_tokens bigint,
  cached_input_tokens bigint,
  cache_write_tokens bigint,
  output_tokens bigint,
  reasoning_tokens bigint,
  usage json,
  usage_source text,
  cost_pico_usd numeric,
  price_state text,
  attempts json not null
);

-- Calls under way, a row for each group of attempts that was committed together: the row is there before the
-- first socket is opened for any of them, and goes when the last of them is in `calls`. What is left of a
-- process that has died becomes calls of unknown end.
create table call_intents (
  instance uuid not null,
  group_no bigint not null,
  attempts text not null,
  primary key (instance, group_no)
);
alter table call_intents alter column attempts set storage external;

-- Processes that write calls. One that has not been seen for a while is dead.
create table instances (
  id uuid primary key,
  started_at timestamptz not null default now(),
  seen_at timestamptz not null default now()
);

-- What was said, only where the owner asked for it to be kept.
create table call_contents (
  call_id uuid primary key,
  recorded_at timestamptz not null default now(),
  request text,
  answer text
);
create index call_contents_by_time on call_contents (recorded_at);
