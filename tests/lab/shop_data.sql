-- Fills the shop.  psql variables: customers, products, orders, documents, kilobytes (of each document).
BEGIN;
INSERT INTO customers (name, mail, tags, profile, created_at)
    SELECT 'Customer ' || i, 'c' || i || '@example.com', ARRAY['t' || i % 7, 'Zürich', NULL],
           jsonb_build_object('age', 18 + i % 70, 'address', jsonb_build_object('zip', i % 99999, 'city', md5(i::text)),
                              'opt_in', i % 2 = 0),
           timestamptz '2020-02-29 12:34:56.789012+01' + make_interval(mins => i)
    FROM generate_series(1, :customers) i;
INSERT INTO products (sku, price, stock, weight, dimensions, picture)
    SELECT 'SKU-' || lpad(i::text, 8, '0'), (i % 10000)::numeric / 100, i % 1000, i / 3.0::float8,
           ARRAY[i % 10, i % 20, i % 30], decode(repeat(md5(i::text), 16), 'hex')
    FROM generate_series(1, :products) i;
ALTER TABLE order_lines DISABLE TRIGGER order_lines_stock;
INSERT INTO orders (customer_id, state, placed_at, note)
    SELECT 1 + (i * 7919) % :customers, (enum_range(NULL::order_state))[1 + i % 4],
           timestamptz '2023-01-01 00:00+00' + make_interval(mins => i % 1000000), CASE WHEN i % 5 = 0 THEN 'note ' || md5(i::text) END
    FROM generate_series(1, :orders) i;
INSERT INTO order_lines (order_id, line, product_id, quantity, price)
    SELECT o.id, l, 1 + (o.id * 31 + l) % :products, 1 + (o.id + l) % 9, ((o.id * l) % 100000)::numeric / 100
    FROM orders o, generate_series(1, 3) l;
ALTER TABLE order_lines ENABLE TRIGGER order_lines_stock;
INSERT INTO payments (order_id, paid_on, amount)
    SELECT id, placed_at::date, (id % 5000)::numeric / 7 FROM orders WHERE state <> 'new';
INSERT INTO documents (order_id, body)
    SELECT o.id, (SELECT string_agg(md5(o.id || ':' || k), '') FROM generate_series(1, 32 * :kilobytes) k)
    FROM (SELECT id FROM orders ORDER BY id LIMIT :documents) o;
INSERT INTO audit.page_views (path, detail)
    SELECT '/p/' || i % 100, jsonb_build_object('n', i, 'agent', md5((i % 50)::text))
    FROM generate_series(1, :orders) i;
SELECT nextval('countdown') FROM generate_series(1, 17) \g /dev/null
COMMIT;
ANALYZE;
