create table orders (id text primary key, customer_id text not null);
create table lines (order_id text not null, line integer not null, sku text not null, quantity integer not null,
    primary key (order_id, line));
create table bookings (order_id text primary key, total real not null);

insert into orders values ('ORD-1', 'C-1'), ('ORD-2', 'C-2');
-- 200 lines of 40 articles, and a small order.
with recursive n(i) as (select 0 union all select i + 1 from n where i < 199)
insert into lines select 'ORD-1', i, printf('SKU-%03d', i % 40), 1 + i % 3 from n;
insert into lines values ('ORD-2', 0, 'SKU-001', 1);
