-- Method and path of a request that was passed through as it is.
alter table calls add column path text;
