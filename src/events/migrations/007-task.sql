-- What a caller wants done, of calls that name a task as their model. Sums made before have none.
alter table usage_rollups add column task text;
