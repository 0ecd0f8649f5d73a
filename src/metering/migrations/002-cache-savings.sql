-- What the provider's prompt cache spared, as far as it was reckoned when the entry was written: not before this version.
alter table ledger add column cache_saved_pico_usd numeric;
alter table cost_rollups add column cache_saved_pico_usd numeric not null default 0;
