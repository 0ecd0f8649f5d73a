-- Slugs and ids sort by their bytes, whatever the locale of the server: pages are cut by comparing them.
create table organizations (
  name text collate "C" primary key check (name ~ '^[a-z0-9][a-z0-9._-]{0,62}$'),
  created_at timestamptz not null
);

create table projects (
  organization text collate "C" not null references organizations (name),
  name text collate "C" not null check (name ~ '^[a-z0-9][a-z0-9._-]{0,62}$'),
  created_at timestamptz not null,
  primary key (organization, name)
);

-- `hash` is the SHA-256 of the whole credential; the credential itself is nowhere. `models` null means all of
-- them; an empty list is forbidden, because it could be read as all or as none.
create table keys (
  id text collate "C" primary key,
  name text not null,
  hash bytea not null unique check (octet_length(hash) = 32),
  hint text not null,
  organization text collate "C" not null,
  project text collate "C" not null,
  role text not null check (role in ('admin', 'key')),
  models text[] check (cardinality(models) > 0),
  expires_at timestamptz,
  revoked_at timestamptz,
  created_at timestamptz not null,
  created_by text not null,
  foreign key (organization, project) references projects (organization, name)
);

create index keys_by_project on keys (organization, project, id);

insert into organizations (name, created_at) values ('default', now());

insert into projects (organization, name, created_at) values ('default', 'default', now());
