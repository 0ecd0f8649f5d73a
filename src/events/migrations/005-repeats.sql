-- The call whose answer was given again, to a request with the same Idempotency-Key; null: it is no repetition.
alter table calls add column repeats uuid;
