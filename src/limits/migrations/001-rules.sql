-- Budgets and entries of rate limits that were made over the API. The definition is as its owner wrote it. Ids sort
-- by time and by their bytes: pages are cut by comparing them.
create table rules (
  id text collate "C" primary key,
  kind text not null check (kind in ('budget', 'limit')),
  name text not null,
  definition json not null,
  version int not null,
  created_at timestamptz not null,
  created_by text not null,
  changed_at timestamptz not null,
  changed_by text not null,
  unique (kind, name)
);

-- More than a rule allows by itself, for a time. The rule may stand in the configuration, so nothing refers to it.
-- `subject` null: for every counter of the rule. The amount is in the rule's unit: pico-dollars, tokens, requests.
create table rule_increases (
  id text collate "C" primary key,
  entry_id text not null,
  rule_id text not null,
  subject text,
  amount numeric not null check (amount > 0),
  until timestamptz not null,
  reason text not null,
  created_at timestamptz not null,
  created_by text not null
);

-- Grows with every change of the two above, under a lock on its only row: those who make changes take turns, and
-- other processes see by it that there is something to read. `configured` is what the configuration said last, so
-- that what changes in it goes on record too.
create table rules_version (
  one boolean primary key default true check (one),
  version bigint not null,
  configured json not null
);

insert into rules_version (version, configured) values (1, '{}');

-- Who changed what, and when. `before` is null of what was made, `after` of what is gone.
create table audit (
  id text collate "C" primary key,
  at timestamptz not null,
  actor_id text not null,
  actor_name text not null,
  action text not null,
  target text not null,
  before json,
  after json,
  reason text
);

create index audit_by_target on audit (target, id);
