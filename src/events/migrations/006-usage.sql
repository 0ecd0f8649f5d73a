-- Calls that are not in the sums yet, a row for each group that was committed together.
create table usage_feed (
  no bigint generated always as identity primary key,
  at timestamptz not null default now(),
  size integer not null,
  keys uuid[] not null
);
alter table usage_feed alter column keys set storage main;

-- Sums over calls by hour and by day; which dimensions a level tells apart is said in usage-rollups.ts.
create table usage_rollups (
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
  status text,
  calls bigint not null,
  degraded bigint not null,
  unpriced bigint not null,
  estimated bigint not null,
  input_tokens double precision not null,
  cached_input_tokens double precision not null,
  cache_write_tokens double precision not null,
  output_tokens double precision not null,
  reasoning_tokens double precision not null,
  cost_pico_usd numeric not null,
  last text,
  unique (level, at, digest)
) partition by list (level);
create table usage_rollups_1 partition of usage_rollups for values in (1) with (fillfactor = 70);
create table usage_rollups_2 partition of usage_rollups for values in (2) with (fillfactor = 70);
create table usage_rollups_3 partition of usage_rollups for values in (3) with (fillfactor = 70);
create table usage_rollups_4 partition of usage_rollups for values in (4) with (fillfactor = 70);
create table usage_rollups_5 partition of usage_rollups for values in (5) with (fillfactor = 70);
create table usage_rollups_6 partition of usage_rollups for values in (6) with (fillfactor = 70);
create table usage_rollups_7 partition of usage_rollups for values in (7) with (fillfactor = 70);
create table usage_rollups_8 partition of usage_rollups for values in (8) with (fillfactor = 70);
create table usage_rollups_9 partition of usage_rollups for values in (9) with (fillfactor = 70);
create index usage_rollups_by_organization on usage_rollups (organization, at);

-- Names from outside that are told apart in the sums of an hour; what comes when the list is full stands as `…other`.
create table usage_rollups_names (
  hour timestamptz not null,
  organization text not null,
  dim text not null,
  name text not null,
  primary key (hour, organization, dim, name)
);

-- Calls whose process died are not in the sums: their true end may still come.
create index calls_unknown on calls (started_at) where status = 'unknown';

-- What was on record before there were sums.
insert into usage_feed (size, keys)
  select count(*), array_agg(id) from (
    select id, row_number() over (order by id) / 256 as part from calls where status <> 'unknown') calls
  group by part order by part;
