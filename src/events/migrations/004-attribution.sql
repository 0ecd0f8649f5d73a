-- What a call is for, beside user and feature: a JSON array of texts, null where there are none, and where it runs.
alter table calls add column tags json;
alter table calls add column environment text;
