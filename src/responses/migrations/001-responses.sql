-- One row for each response that is kept, written once. `id` is that of its call: a UUID of version 7, so rows sort
-- by time. Bodies are `json`, not `jsonb`: they are given back as
-- they were said, and `jsonb` cannot hold U+0000. (For the same reason no statement looks into them.)
create table responses (
  id uuid primary key,
  organization text not null,
  project text not null,
  -- What its caller knows it by. Providers make these ids, and some make one twice: the latest is meant then.
  response_id text not null,
  key_id text not null,
  created_at timestamptz not null,
  expires_at timestamptz not null,
  -- The row that this one goes on from; it may have been deleted since.
  previous uuid,
  -- Of input and output together, at least one: what a chain is bounded by. Bytes count the rest as well.
  items integer not null check (items > 0),
  bytes bigint not null,
  -- This request's own; what came before stands in the rows before.
  input_items json not null,
  output json not null,
  -- All but the output, in whose place there is null: a chain is read without it.
  response json not null
);
create index responses_by_owner on responses (organization, project, response_id, id);
create index responses_by_end on responses (expires_at);
