-- The two roles and what they may do. Run by a superuser in the database `cdp`; running it again changes nothing.
-- `cdp_owner` owns the database and runs migrations. `cdp_app` serves pages and tasks: it owns nothing, so row-level
-- security always binds it, and it may neither bypass it nor hand out rights.
do $$
begin
    if not exists (select from pg_roles where rolname = 'cdp_owner') then create role cdp_owner; end if;
    if not exists (select from pg_roles where rolname = 'cdp_app') then create role cdp_app; end if;
end
$$;

alter role cdp_owner with login nosuperuser nocreatedb nocreaterole noreplication nobypassrls password :'owner_password';
alter role cdp_app with login nosuperuser nocreatedb nocreaterole noreplication nobypassrls password :'app_password';

alter database cdp owner to cdp_owner;
revoke all on database cdp from public;
grant connect, temporary on database cdp to cdp_app;
revoke all on schema public from public;
grant usage on schema public to cdp_app;
grant all on schema public to cdp_owner;

-- A worker that hangs alive in the middle of a transaction would hold its rows for ever; a vanished client, too.
alter role cdp_app set idle_in_transaction_session_timeout = '2min';
alter role cdp_app set client_connection_check_interval = '10s';
