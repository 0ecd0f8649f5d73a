-- Whether a key may use what a provider serves beyond what Sluice serves itself.
alter table keys add column passthrough boolean not null default false;
