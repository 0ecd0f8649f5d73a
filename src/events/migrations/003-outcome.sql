-- Targets that were passed over, [{"target", "reason"}], and why the answer was less than what was asked for.
-- Null: none, and it was not.
alter table calls add column skips json;
alter table calls add column degraded text;
