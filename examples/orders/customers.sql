create table customers (id text primary key, name text not null, tier text not null);
insert into customers values ('C-1', 'Ada', 'gold'), ('C-2', 'Ben', 'silver');
