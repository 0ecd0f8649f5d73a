-- One row: what this database's counters are called in a Valkey that others may use, too.
create table installation (
  id uuid not null default gen_random_uuid(),
  is_only boolean primary key default true check (is_only)
);
insert into installation default values;
