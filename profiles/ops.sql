-- Our own state. The file is idempotent: each version of it is applied once per database, by the next command.
-- Only additive changes are allowed, because several versions of the code may share one database.
-- PostgreSQL 15 or newer, without extensions. All times are timestamptz.

create schema if not exists ops;

-- Grain: one version of this file that was applied
create table if not exists ops.applied_schemas (
    fingerprint text primary key,
    applied_at timestamptz not null default now()
);

-- Grain: this installation (one row). Its id marks the playlists that we created as ours
create table if not exists ops.installation (
    id uuid not null default gen_random_uuid(),
    is_only boolean primary key default true check (is_only)
);
insert into ops.installation default values on conflict do nothing;
-- For dbt's freshness: a source that nobody has looked at is as old as this
alter table ops.installation add column if not exists installed_at timestamptz not null default now();
-- Only for tests and the demo: the latest simulated time. Null: this database lives in real time
alter table ops.installation add column if not exists simulated_at timestamptz;
-- When snapshots were repaired: builds as of an earlier day had written wrong rows into them
alter table ops.installation add column if not exists snapshots_repaired_at timestamptz;

-- Grain: one row of a snapshot as it was before a repair changed or deleted it
create table if not exists ops.repaired_rows (
    relation text not null,
    row_before jsonb not null,
    repaired_at timestamptz not null default now()
);

-- Grain: the account whose data this database holds (one row at most)
create table if not exists ops.account (
    account_id text not null,
    user_id text,                       -- owner.id of playlists, which do not show the newer account_id
    display_name text,
    remembered_at timestamptz not null default now(),
    is_only boolean primary key default true check (is_only)
);

-- Grain: one token set ('spotify'). Tokens are encrypted where is_encrypted
create table if not exists ops.tokens (
    name text primary key,
    client_id text not null,            -- the app that it was issued to; another app cannot use it
    access_token text,
    expires_at timestamptz,
    refresh_token text not null,
    is_encrypted boolean not null default false,
    scope text,
    authorized_at timestamptz,          -- null: unknown (imported)
    imported_fingerprint text,          -- null: it came by a login
    invalid_since timestamptz,          -- Spotify answered invalid_grant: it is not tried again
    updated_at timestamptz not null default now()
);

-- Grain: one value of SPOTIFY_REFRESH_TOKEN that was ever seen: each is imported once, and a later login wins
create table if not exists ops.token_imports (
    fingerprint text primary key,
    verdict text not null check (verdict in ('imported', 'superseded', 'invalid', 'wrong_account')),
    detail text,
    decided_at timestamptz not null default now()
);

-- Grain: one login under way. It can be finished once, until `expires_at`. Only a hash of its `state` is stored
create table if not exists ops.pending_logins (
    state_hash text primary key,
    client_id text not null,
    redirect_uri text not null,
    verifier text,                      -- for PKCE; null if the app has a secret
    is_encrypted boolean not null default false,
    expires_at timestamptz not null
);

-- Grain: one endpoint family and hour
create table if not exists ops.api_calls (
    family text not null,
    hour timestamptz not null,
    calls integer not null default 0,
    rate_limited integer not null default 0,
    primary key (family, hour)
);

-- Grain: one endpoint family with a cooldown
create table if not exists ops.api_cooldowns (
    family text primary key,
    until timestamptz not null,
    reason text not null,
    noticed_at timestamptz not null default now()
);

-- Grain: one poll of the listening history, failed ones too. Never pruned: gaps are derived from it
create table if not exists ops.play_polls (
    poll_id bigint generated always as identity primary key,
    polled_at timestamptz not null,
    outcome text not null check (outcome in ('new', 'nothing_new', 'empty', 'failed', 'deferred')),
    item_count integer not null default 0,
    new_count integer not null default 0,
    oldest_played_at timestamptz,
    newest_played_at timestamptz,
    gap_suspected boolean not null default false,
    error text
);
create index if not exists play_polls_polled_at on ops.play_polls (polled_at);

-- Grain: one resource, with the time when it was last seen completely (not when it last changed)
create table if not exists ops.source_checks (
    resource text primary key,
    checked_at timestamptz not null,
    is_complete boolean not null,
    total integer,
    detail jsonb not null default '{}'
);

-- Grain: one smart playlist
create table if not exists ops.playlists (
    slug text primary key,
    playlist_id text unique,
    name text not null,
    state text not null default 'active' check (state in ('active', 'paused', 'deleted_on_spotify', 'failing')),
    state_reason text,
    snapshot_id text,
    pushed_uris_hash text,
    enabled_override boolean,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    last_push_at timestamptz
);

-- Grain: one push of one playlist. Entries are {uri, added_at}
create table if not exists ops.playlist_pushes (
    push_id bigint generated always as identity primary key,
    slug text not null,
    playlist_id text,
    started_at timestamptz not null default now(),
    finished_at timestamptz,
    status text not null check (status in ('planned', 'applying', 'done', 'failed')),
    before_uris jsonb,
    after_uris jsonb,
    before_snapshot_id text,
    after_snapshot_id text,
    operations jsonb not null default '[]',
    calls integer not null default 0,
    reason text,
    error text
);
create index if not exists playlist_pushes_slug on ops.playlist_pushes (slug, push_id desc);

-- Grain: one node of one dbt invocation
create table if not exists ops.build_results (
    invocation_id text not null,
    unique_id text not null,
    slug text,
    test_name text,
    status text not null,
    failures integer,
    message text,
    finished_at timestamptz not null default now(),
    primary key (invocation_id, unique_id)
);
-- Which selections a verdict is about (playlist_selections.invocation_id); in rows of older versions null
alter table ops.build_results add column if not exists selection_invocation_id text;
create index if not exists build_results_slug on ops.build_results (slug, finished_at desc);

-- Grain: one incremental table of dbt, with what its rows were made by. If that changes, the table is made anew
create table if not exists ops.data_versions (
    relation text primary key,          -- schema.table
    data_version integer not null,
    reads jsonb not null,               -- values as text, by var
    follows jsonb not null,             -- making_id of the incremental tables that it reads, by relation
    making_id uuid not null default gen_random_uuid(),
    made_anew_at timestamptz not null default clock_timestamp(),
    reason text                         -- why it was made anew; null: it was made for the first time
);

-- Grain: one mark that lasts between builds ('needs_build')
create table if not exists ops.build_marks (
    name text primary key,
    marked_at timestamptz not null default now()
);

-- Grain: one run of one flow
create table if not exists ops.runs (
    run_id uuid primary key,
    flow text not null,
    started_at timestamptz not null default now(),
    finished_at timestamptz,
    state text not null,
    message text,
    calls integer,
    parameters jsonb not null default '{}'
);
create index if not exists runs_started_at on ops.runs (started_at);

-- Grain: one log line of a run
create table if not exists ops.logs (
    log_id bigint generated always as identity primary key,
    run_id uuid,
    logged_at timestamptz not null default now(),
    level text not null,
    logger text not null,
    message text not null
);
create index if not exists logs_run_id on ops.logs (run_id, log_id);
create index if not exists logs_logged_at on ops.logs (logged_at);

-- When all entries were last read, in real time: our own record of them is used for a week at most
alter table ops.playlists add column if not exists full_read_at timestamptz;
-- The description that we last sent, without our mark; null: not known
alter table ops.playlists add column if not exists description text;
-- Whether we last asked for a public playlist, which Spotify does not always honour; null: not known
alter table ops.playlists add column if not exists asked_public boolean;
-- The push that this undo reverts
alter table ops.playlist_pushes add column if not exists undo_of bigint;

-- Grain: one uri that Spotify refused to add to a playlist; not tried again for a while
create table if not exists ops.refused_uris (
    uri text primary key,
    refused_at timestamptz not null default now()
);

-- Grain: one row from Spotify that could not be stored, with the reason. The other rows of its load were stored
create table if not exists ops.quarantined_rows (
    resource text not null,
    row_key text not null,
    reason text not null,
    payload text,                       -- JSON in ASCII, because jsonb may refuse it
    noticed_at timestamptz not null default now(),
    primary key (resource, row_key)
);

-- Grain: one playlist whose rule is stored here instead of in a model. A retired rule stays, and is not built
create table if not exists ops.playlist_rules (
    slug text primary key,
    version integer not null,
    rule jsonb not null,                -- match, not, conditions, and the keys of meta.playlist
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    retired_at timestamptz,
    retired_reason text,
    verdict text check (verdict in ('valid', 'invalid', 'set_aside')),
    verdict_reason text,
    checked_at timestamptz,
    checked_fingerprint text,           -- md5 of the rule that was checked
    checked_language integer            -- version of the rule language at the check
);

-- Grain: one saved version of one rule
create table if not exists ops.playlist_rule_versions (
    slug text not null,
    version integer not null,
    rule jsonb not null,
    saved_at timestamptz not null default now(),
    primary key (slug, version)
);

-- Grain: one catalogue item that was asked for, by kind: 'track' (availability), 'likes_page' and 'albums_page'
-- (their offset, listed with `market`), 'artist', 'artist_albums'. `market` is '' if it does not matter. An answer
-- without news only updates these times, and writes no raw row
create table if not exists ops.catalog_checks (
    kind text not null,
    market text not null default '',
    key text not null,
    asked_at timestamptz not null,
    answered_at timestamptz,            -- null, or before asked_at: the last request was not answered
    primary key (kind, market, key)
);

-- Grain: one field of the API that we rely on, by resource, as loads have seen it
create table if not exists ops.api_fields (
    resource text not null,
    path text not null,
    first_seen timestamptz,             -- null: not seen yet
    last_seen timestamptz,
    last_looked_at timestamptz not null,
    rows_looked bigint not null default 0,
    rows_with_value bigint not null default 0,
    rows_since_seen bigint not null default 0,
    primary key (resource, path)
);

-- Grain: one pair of tracks about which the user has decided: `merge` makes their recordings one, `split` takes
-- track_id out of the recording of other_track_id. It wins over ISRC and name; deleting the row reverts it
create table if not exists ops.recording_overrides (
    kind text not null check (kind in ('merge', 'split')),
    track_id text not null,
    other_track_id text not null,
    reason text not null,
    created_at timestamptz not null default now(),
    primary key (track_id, other_track_id),
    check (track_id <> other_track_id)
);
-- one decision per pair, in whichever order it is named
create unique index if not exists recording_overrides_pair
    on ops.recording_overrides (least(track_id, other_track_id), greatest(track_id, other_track_id));

-- How text is compared, independently of the database's own case rules. `tracker.case_rules` is the collation of this
-- server that has upper and lower case of every script, as the command found it at its start; '' = none.
do $do$
declare
    rules constant text := coalesce('collate ' || nullif(current_setting('tracker.case_rules', true), ''), '');
begin
    -- Lower case, with é as one character however it was composed. Greek has two small sigmas, Turkish has two i.
    execute format($sql$
        create or replace function ops.fold(value text) returns text
        language sql immutable parallel safe
        as $body$ select translate(lower(translate(normalize(value), chr(304), 'i') %s), chr(962), chr(963)) $body$
    $sql$, rules);
    -- Whether a regular expression matches anywhere in the text, without regard to case.
    execute format($sql$
        create or replace function ops.matches(value text, pattern text) returns boolean
        language sql immutable parallel safe
        as $body$ select normalize(value) %s ~* normalize(pattern) $body$
    $sql$, rules);
end
$do$;
